//! Speed, as ratios: each figure stands beside another one that was taken in the same run on the same machine, and is
//! held against a stated limit. Absolute figures are printed for people; only ratios and stated bounds decide.
#![forbid(unsafe_code)]

mod activation;
mod billing;
mod callback;
mod equal;
mod identity;
mod memory;
mod money;
mod pgbench;
mod place;
mod rpc;
mod settle;
mod streams;
mod verdict;

use verdict::Verdict;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let first = arguments.next();
    if let Some(role @ ("serve" | "work")) = first.as_deref() {
        return memory::run_as(role);
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let verdicts = runtime.block_on(run(first.as_deref().unwrap_or("")));
    println!("\n{:<58} {:>12} {:>12} {:>8} {:>8}", "what", "measured", "against", "ratio", "limit");
    verdicts.iter().for_each(|verdict| println!("{verdict}"));
    if verdicts.iter().any(|verdict| !verdict.holds()) {
        std::process::exit(1);
    }
}

/// Runs the benchmarks whose name contains `wanted`.
async fn run(wanted: &str) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    if "settle".contains(wanted) {
        verdicts.extend(settle::run().await);
    }
    if "callback".contains(wanted) {
        verdicts.extend(callback::run().await);
    }
    if "activation".contains(wanted) {
        verdicts.extend(activation::run().await);
    }
    if "identity".contains(wanted) {
        verdicts.extend(identity::run().await);
    }
    if "money".contains(wanted) {
        verdicts.extend(money::run().await);
    }
    if "equal".contains(wanted) {
        verdicts.extend(equal::run().await);
    }
    if "billing".contains(wanted) {
        verdicts.extend(billing::run().await);
    }
    if "streams".contains(wanted) {
        verdicts.extend(streams::run().await);
    }
    if "rpc".contains(wanted) {
        verdicts.extend(rpc::run().await);
    }
    if "memory".contains(wanted) {
        verdicts.extend(memory::run().await);
    }
    verdicts
}
