//! The migrations go up, down and up again, and what the server takes for the schema is the schema.

use std::collections::BTreeMap;

use netily::migrations;
use netily_tests::{Sql, TestCluster, World};
use serde_json::Value;

/// Everything that the migrations make, as text: columns, constraints, indexes, policies, triggers, functions, views, grants.
const CATALOGUE: &str = "
    SELECT 'column ' || c.table_schema || '.' || c.table_name || '.' || c.column_name AS name,
           c.udt_name || ' ' || c.is_nullable || ' ' || coalesce(c.column_default, '') AS is
      FROM information_schema.columns c WHERE c.table_schema IN ('public', 'tenant', 'invariant')
    UNION ALL SELECT 'constraint ' || k.conrelid::regclass || '.' || k.conname, pg_get_constraintdef(k.oid)
      FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace WHERE n.nspname IN ('public', 'tenant')
    UNION ALL SELECT 'index ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid)
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('public', 'tenant')
    UNION ALL SELECT 'policy ' || p.polrelid::regclass || '.' || p.polname, p.polcmd::text || coalesce(pg_get_expr(p.polqual, p.polrelid), '')
      FROM pg_policy p
    UNION ALL SELECT 'trigger ' || t.tgrelid::regclass || '.' || t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t WHERE NOT t.tgisinternal
    UNION ALL SELECT 'function ' || f.oid::regprocedure, md5(pg_get_functiondef(f.oid))
      FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace WHERE n.nspname IN ('public', 'tenant', 'invariant') AND f.prokind = 'f'
    UNION ALL SELECT 'view ' || c.oid::regclass, md5(pg_get_viewdef(c.oid)) || coalesce(c.reloptions::text, '')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v' AND n.nspname IN ('public', 'tenant', 'invariant')
    UNION ALL SELECT 'grant ' || n.nspname || '.' || c.relname, coalesce(c.relacl::text, '')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('public', 'tenant', 'invariant')
    ORDER BY 1, 2";

#[tokio::test(flavor = "multi_thread")]
async fn the_migrations_go_up_down_and_up_again() {
    let urls = TestCluster::shared().empty_database().await;
    let mut sql = Sql::connect(&urls.superuser).await;
    let before = sql.rows(CATALOGUE).await;
    let ran = migrations::up(&urls.owner).await.expect("up");
    assert!(ran.len() >= 6, "{ran:?}");
    let first = sql.rows(CATALOGUE).await;
    assert_eq!(migrations::up(&urls.owner).await.expect("nothing to do"), Vec::<String>::new());

    assert_eq!(migrations::down(&urls.owner).await.expect("down").len(), ran.len());
    let left: Vec<Value> = sql.rows(CATALOGUE).await.into_iter().filter(|row| !before.contains(row)).collect();
    let strange: Vec<&Value> = left.iter().filter(|row| !row["name"].as_str().is_some_and(|name| name.contains("__diesel_schema_migrations"))).collect();
    assert!(strange.is_empty(), "left behind: {strange:#?}");

    assert_eq!(migrations::up(&urls.owner).await.expect("up again"), ran);
    let second = sql.rows(CATALOGUE).await;
    let changed: Vec<&Value> = first.iter().filter(|row| !second.contains(row)).chain(second.iter().filter(|row| !first.contains(row))).collect();
    assert!(changed.is_empty(), "not as before: {changed:#?}");
}

/// Tables of `server/src/schema.rs`: name → column → type as Diesel writes it.
fn written() -> BTreeMap<String, BTreeMap<String, String>> {
    let text = include_str!("../../../server/src/schema.rs");
    let mut tables = BTreeMap::new();
    for block in text.split("diesel::table! {").skip(1) {
        let (head, rest) = block.split_once('{').expect("a table has columns");
        let name = head.split('(').next().expect("a name").trim();
        let name = if name.contains('.') { name.to_owned() } else { format!("public.{name}") };
        let columns = rest.split_once('}').expect("the columns end").0.split(',').filter_map(|column| column.split_once("->"));
        tables.insert(name, columns.map(|(column, kind)| (column.trim().to_owned(), kind.trim().to_owned())).collect());
    }
    tables
}

/// A type of PostgreSQL as Diesel writes it.
fn diesel_type(kind: &str) -> &str {
    match kind {
        "uuid" => "Uuid",
        "text" => "Text",
        "int2" => "SmallInt",
        "int4" => "Integer",
        "int8" => "BigInt",
        "bool" => "Bool",
        "bytea" => "Bytea",
        "timestamptz" => "Timestamptz",
        "date" => "Date",
        "jsonb" => "Jsonb",
        "_int2" => "Array<SmallInt>",
        "_timestamptz" => "Array<Timestamptz>",
        "_uuid" => "Array<Uuid>",
        other => other,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_takes_for_the_schema_is_the_schema() {
    let world = World::new().await;
    let rows = world
        .sql()
        .await
        .rows(
            "SELECT c.table_schema || '.' || c.table_name AS name, c.column_name, c.udt_name, c.is_nullable = 'YES' AS nullable, t.table_type = 'VIEW' AS view
               FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)",
        )
        .await;
    let text = |row: &Value, name: &str| row[name].as_str().expect("text").to_owned();
    let written = written();
    assert!(written.len() > 15, "schema.rs was not read: {:?}", written.keys());
    for (table, columns) in written {
        let real: BTreeMap<String, String> = rows
            .iter()
            .filter(|row| text(row, "name") == table)
            .map(|row| {
                let (column, udt) = (text(row, "column_name"), text(row, "udt_name"));
                let kind = diesel_type(&udt);
                // Columns of a view have no constraints: whether one may be null is what schema.rs says.
                let nullable =
                    if row["view"] == true { columns.get(&column).is_some_and(|kind| kind.starts_with("Nullable<")) } else { row["nullable"] == true };
                let kind = if nullable { format!("Nullable<{kind}>") } else { kind.to_owned() };
                (column, kind)
            })
            .collect();
        assert_eq!(columns, real, "{table}: schema.rs on the left, the database on the right");
    }
    world.finish().await;
}
