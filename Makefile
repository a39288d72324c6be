# Every target installs what it needs and is missing, and says so.
PORT ?= 8000
DATA ?= .data

.PHONY: help run test check bench generate

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 16

run: ## the demo on http://yellow.localhost:8000 (PORT=8000 DATA=.data)
	@scripts/run.sh "$(PORT)" "$(DATA)"

test: ## every test, with a PostgreSQL of its own
	@scripts/test.sh

check: ## format, lints, contracts, generated code, licences
	@scripts/check.sh

bench: ## speed, as ratios to what the machine itself can do
	@scripts/bench.sh

generate: ## Rust and TypeScript from proto/
	@scripts/generate.sh
