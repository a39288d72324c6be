//! 100,000 jobs that are overdue: whoever buys now does not wait for them, claiming stays cheap, the worker stays small,
//! and in the end they are all done.

use std::time::Duration;

use netily_sdk::hotspot::PurchaseStatus;
use netily_tests::{Guest, Sql, World, eventually};
use serde_json::json;

use crate::crash::{insist, status};
use crate::program::Program;

const JOBS: i64 = 100_000;
/// Of them so many may be done in each lane before a job that was asked for just now: some rounds of a lane's places.
const AHEAD_OF_A_GUEST: i64 = 1_000;
/// So many are done to the end.
const REST: i64 = 10_000;

/// Prompts and questions of payments that are long over, of many ISPs, due since an hour.
async fn overdue(sql: &mut Sql, jobs: i64) {
    sql.run(&format!(
        "INSERT INTO public.isp (id, slug, name, created_at) SELECT gen_random_uuid(), 'backlog-' || n || 'x', 'Backlog', now() FROM generate_series(1, 50) n;
         INSERT INTO public.job (id, lane, kind, isp_id, subject, run_at, created_at)
         SELECT gen_random_uuid(), kind, kind, isp.id, gen_random_uuid(), now() - interval '1 hour' + n * interval '10 milliseconds', now()
         FROM generate_series(1, {jobs} / 100) n, (SELECT id FROM public.isp WHERE slug LIKE 'backlog-%') isp, (VALUES ('push'), ('check')) kinds (kind)"
    ))
    .await;
}

/// Notes the order in which jobs are asked for and done.
const TRACE: &str = "
    CREATE TABLE public.trace (n bigserial PRIMARY KEY, act text, kind text, backlog boolean);
    CREATE FUNCTION public.trace_job() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
        INSERT INTO public.trace (act, kind, backlog) SELECT tg_op, j.kind, i.slug LIKE 'backlog-%' FROM (SELECT coalesce(new, old) AS row) r,
            LATERAL (SELECT (r.row).kind, (r.row).isp_id) j JOIN public.isp i ON i.id = j.isp_id;
        RETURN NULL;
    END $$;
    CREATE TRIGGER trace AFTER INSERT OR DELETE ON public.job FOR EACH ROW EXECUTE FUNCTION public.trace_job()";

async fn left(sql: &mut Sql) -> i64 {
    JOBS - sql.count("public.trace WHERE backlog AND act = 'DELETE'").await
}

/// How many old jobs of a kind were done after the guest's `from` was traced and before its own job of this kind was done.
async fn overtook(sql: &mut Sql, kind: &str, from: &str) -> i64 {
    sql.count(&format!(
        "public.trace WHERE backlog AND act = 'DELETE' AND kind = '{kind}'
         AND n > (SELECT min(n) FROM public.trace WHERE NOT backlog AND {from}) AND n < (SELECT min(n) FROM public.trace WHERE NOT backlog AND act = 'DELETE' AND kind = '{kind}')"
    ))
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_does_not_wait_for_a_hundred_thousand_overdue_jobs() {
    let world = World::builder().not_serving().start().await;
    world.behave(json!({ "auto_answer": "accept" })).await;
    let mut sql = world.sql().await;
    overdue(&mut sql, JOBS).await;
    sql.run(TRACE).await;

    let program = Program::start(&world, Duration::ZERO);
    let client = world.client("yellow");
    eventually("the worker is in the middle of it", async || (left(&mut sql).await < JOBS - 1_000).then_some(())).await;
    let small = program.peak_kib();
    let session = insist(&client, world.ask(&Guest::number(1))).await;
    eventually("the guest is online", async || (status(&client, &session).await? == PurchaseStatus::Active).then_some(())).await;
    for (kind, from) in [("push", "act = 'INSERT' AND kind = 'push'"), ("check", "act = 'DELETE' AND kind = 'push'")] {
        let overtook = overtook(&mut sql, kind, from).await;
        assert!(overtook < AHEAD_OF_A_GUEST, "{overtook} old jobs of the lane {kind} were done before the guest's");
    }
    let reads = rows_read_by_a_claim(&mut sql).await;
    assert!(reads.iter().all(|rows| (128..1_000).contains(rows)), "a claim of 128 out of {JOBS} reads {reads:?} rows");
    let waiting = left(&mut sql).await;
    assert!(waiting > JOBS / 2, "only {waiting} still wait: the guest was not served out of turn");

    // Its pace does not depend on its length: most is taken away, and the rest is done to the last job.
    // What the worker holds at this moment is passed over: to wait for it, with others locked, would be a deadlock with how jobs end.
    sql.run(&format!(
        "DELETE FROM public.job WHERE id IN (SELECT id FROM public.job WHERE kind IN ('push', 'check') AND claim_token IS NULL
             AND run_at > created_at - interval '1 hour' + {REST} / 100 * interval '10 milliseconds' FOR UPDATE SKIP LOCKED)"
    ))
    .await;
    let mut waiting = i64::MAX;
    while waiting > 0 {
        waiting = eventually("it goes on", async || Some(left(&mut sql).await).filter(|left| *left < waiting)).await;
    }
    let grown = program.peak_kib() - small;
    assert!(grown < 16 * 1024, "the worker grew by {grown} KiB");
    drop(program);
    world.finish().await;
}

/// How many rows a claim reads: before PostgreSQL knows the table, and when it knows it. The claim is taken back.
async fn rows_read_by_a_claim(sql: &mut Sql) -> Vec<i64> {
    sql.run(
        "CREATE FUNCTION pg_temp.rows_read() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE many bigint; BEGIN
             PERFORM public.claim_jobs('check', now(), 64, 64, gen_random_uuid(), now());
             SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) INTO many FROM pg_stat_xact_user_tables WHERE relid = 'public.job'::regclass;
             RAISE EXCEPTION USING message = 'read', detail = many;
         EXCEPTION WHEN raise_exception THEN RETURN many; END $$",
    )
    .await;
    let mut reads = Vec::new();
    for before in ["", "ANALYZE public.job"] {
        sql.run(before).await;
        reads.push(sql.value("SELECT pg_temp.rows_read()").await.as_i64().expect("a count"));
    }
    reads
}
