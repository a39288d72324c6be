// Holds the rules of deny.toml over Cargo's dependencies, and its list of licences over npm's.
// Stands in for cargo-deny, whose build takes longer than all the other checks together.
// Understands only the keys that deny.toml uses, and fails on any other, so that no rule is silently ignored.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parse } from "smol-toml";

const KNOWN_KEYS = {
  graph: ["all-features"],
  licenses: ["allow", "private"],
  bans: ["multiple-versions", "wildcards", "allow-wildcard-paths", "deny"],
  sources: ["unknown-registry", "unknown-git"],
};

// An SPDX expression is allowed when a choice among its ORs leaves only allowed names. AND binds more tightly than OR;
// "MIT/Apache-2.0" is the old way of writing OR.
export function isAllowed(expression, allowed) {
  const tokens = expression.replaceAll("/", " OR ").match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  const or = () => {
    let verdict = and();
    while (tokens[at] === "OR") {
      at += 1;
      const right = and();
      verdict = verdict || right;
    }
    return verdict;
  };
  const and = () => {
    let verdict = name();
    while (tokens[at] === "AND") {
      at += 1;
      const right = name();
      verdict = verdict && right;
    }
    return verdict;
  };
  const name = () => {
    if (tokens[at] === "(") {
      at += 1;
      const verdict = or();
      at += 1;
      return verdict;
    }
    let licence = tokens[at];
    at += 1;
    if (tokens[at] === "WITH") {
      licence += ` WITH ${tokens[at + 1]}`;
      at += 2;
    }
    return allowed.has(licence);
  };
  return tokens.length > 0 && or() && at === tokens.length;
}

function unknownKeys(rules) {
  return Object.entries(rules).flatMap(([section, keys]) =>
    Object.keys(keys)
      .filter((key) => !KNOWN_KEYS[section]?.includes(key))
      .map((key) => `deny.toml: this script does not know ${section}.${key}`),
  );
}

function cargoPackages() {
  const { status, stdout } = spawnSync("cargo", ["metadata", "--format-version", "1", "--locked", "--all-features"], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) {
    console.error("cargo metadata failed: see the lines above");
    process.exit(1);
  }
  return JSON.parse(stdout).packages;
}

function faultsOfCargo(rules, allowed) {
  const packages = cargoPackages();
  const faults = [];
  const versions = new Map();
  for (const { name, version, license, source, publish, dependencies } of packages) {
    versions.set(name, [...(versions.get(name) ?? []), version]);
    const ours = source === null && publish?.length === 0;
    if (!ours && !isAllowed(license ?? "", allowed)) {
      faults.push(`${name} ${version} has the licence ${license ?? "(none stated)"}, which deny.toml does not allow`);
    }
    if (source === null ? !ours : !source.startsWith("registry+")) {
      faults.push(`${name} ${version} comes from ${source ?? "a folder"}: only the default registry is allowed`);
    }
    if (ours) {
      // Cargo states a registry only where it is not the default one, whose crates depend on no other.
      for (const dependency of dependencies.filter(({ registry }) => registry)) {
        faults.push(`${name} takes ${dependency.name} from ${dependency.registry}: only the default registry is allowed`);
      }
      for (const dependency of dependencies.filter(({ req, path }) => req === "*" && !path)) {
        faults.push(`${name} takes any version of ${dependency.name}: state one`);
      }
    }
  }
  for (const { crate, reason, "deny-multiple-versions": once } of rules.bans.deny) {
    const found = versions.get(crate) ?? [];
    if (once ? found.length > 1 : found.length > 0) {
      faults.push(once ? `${crate} is there in several versions: ${found.join(", ")}` : `${crate} is banned: ${reason}`);
    }
  }
  return { faults, count: packages.length };
}

function faultsOfNpm(allowed) {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
  const theirs = Object.entries(packages).filter(([path, { link }]) => path.includes("node_modules/") && !link);
  const faults = theirs
    .filter(([, { license }]) => !isAllowed(license ?? "", allowed))
    .map(([path, { version, license }]) => `${path} ${version} has the licence ${license ?? "(none stated)"}, which deny.toml does not allow`);
  const located = theirs.filter(([, { resolved }]) => resolved !== undefined);
  faults.push(...located.map(([path]) => `package-lock.json names the place that ${path} came from: install with --omit-lockfile-registry-resolved`));
  return { faults, count: theirs.length };
}

const rules = parse(readFileSync("deny.toml", "utf8"));
const allowed = new Set(rules.licenses.allow);
const cargo = faultsOfCargo(rules, allowed);
const npm = faultsOfNpm(allowed);
const faults = [...unknownKeys(rules), ...cargo.faults, ...npm.faults];
for (const fault of faults) {
  console.error(fault);
}
console.log(`${cargo.count} crates and ${npm.count} npm packages looked at, ${faults.length} faults`);
process.exitCode = faults.length > 0 ? 1 : 0;
