//! MikroTik routers of the ISP.

use netily_sdk::Client;
use netily_sdk::router::{
    ActiveSession, CheckRouterRequest, CheckRouterResponse, CreateRouterRequest, Finding, GetRouterRequest, ListActiveSessionsRequest,
    ListActiveSessionsResponse, ListRoutersRequest, ListRoutersResponse, Router,
};

use crate::args::RouterCommand;
use crate::fault::Fault;
use crate::output::{Output, bytes, span, time, word};
use crate::{pages, secret, table};

pub async fn run(client: &Client, command: RouterCommand, output: &Output) -> Result<(), Fault> {
    let routers = client.router();
    match command {
        RouterCommand::Add { name, host, port, username, certificate_sha256, hotspot_server, again } => {
            let ask = CreateRouterRequest {
                name,
                host,
                port: port.into(),
                use_tls: !certificate_sha256.is_empty(),
                certificate_sha256,
                username,
                password: secret::read("NETILY_ROUTER_PASSWORD", "Password of the API user")?,
                hotspot_server,
                request_id: again.request_id,
            };
            let created = routers.create_router(ask).await?;
            output.show(&created.router.unwrap_or_default(), one)
        }
        RouterCommand::List(limit) => {
            let page = async |page_size, page_token| routers.list_routers(ListRoutersRequest { page_size, page_token }).await;
            let listed = pages::read(limit.limit, |page| (&mut page.routers, &mut page.next_page_token), page).await?;
            output.show(&listed, all)
        }
        RouterCommand::Show { id } => {
            let found = routers.get_router(GetRouterRequest { id }).await?;
            output.show(&found.router.unwrap_or_default(), one)
        }
        RouterCommand::Check { id } => {
            let checked = routers.check_router(CheckRouterRequest { id }).await?;
            output.show(&checked, findings)?;
            if checked.reachable { Ok(()) } else { Err(Fault::BadNews) }
        }
        RouterCommand::Sessions { id } => {
            let page = async |page_size, page_token| routers.list_active_sessions(ListActiveSessionsRequest { id: id.clone(), page_size, page_token }).await;
            let online = pages::read(u32::MAX, |page| (&mut page.sessions, &mut page.next_page_token), page).await?;
            output.show(&online, sessions)
        }
    }
}

fn one(router: &Router) -> String {
    table::fields(&[
        ("id", router.id.clone()),
        ("name", router.name.clone()),
        ("address", address(router)),
        ("certificate", router.certificate_sha256.clone()),
        ("username", router.username.clone()),
        ("hotspot server", router.hotspot_server.clone()),
        ("health", health(router)),
        ("last seen", time(&router.last_seen_at)),
        ("last error", router.last_error.clone()),
        ("waiting purchases", router.waiting_purchases.to_string()),
        ("created", time(&router.created_at)),
    ])
}

fn all(listed: &ListRoutersResponse) -> String {
    let row = |router: &Router| {
        [router.name.clone(), address(router), health(router), time(&router.last_seen_at), router.waiting_purchases.to_string(), router.id.clone()]
    };
    let rows: Vec<_> = listed.routers.iter().map(row).collect();
    let headings = ["name", "address", "health", "last seen", "waiting", "id"];
    table::rows(headings, &rows, "No routers.") + pages::more(&listed.next_page_token)
}

fn findings(checked: &CheckRouterResponse) -> String {
    let summary = table::fields(&[
        ("reachable", if checked.reachable { "yes" } else { "no" }.to_owned()),
        ("problem", checked.problem.clone()),
        ("identity", checked.identity.clone()),
        ("version", checked.version.clone()),
        ("board", checked.board.clone()),
    ]);
    if !checked.reachable {
        return summary;
    }
    let severity = |finding: &Finding| word(finding.severity().as_str_name(), "FINDING_SEVERITY_");
    let row = |finding: &Finding| [severity(finding), finding.code.clone(), finding.message.clone()];
    let rows: Vec<_> = checked.findings.iter().map(row).collect();
    format!("{summary}\n{}", table::rows(["severity", "code", "what to do"], &rows, "Nothing needs to be changed."))
}

fn sessions(online: &ListActiveSessionsResponse) -> String {
    let row = |session: &ActiveSession| {
        [
            session.username.clone(),
            session.mac_address.clone(),
            session.client_ip.clone(),
            span(&session.uptime),
            bytes(session.download_bytes),
            bytes(session.upload_bytes),
            session.session_id.clone(),
        ]
    };
    let rows: Vec<_> = online.sessions.iter().map(row).collect();
    let headings = ["username", "mac", "ip", "uptime", "down", "up", "purchase"];
    table::rows(headings, &rows, "Nobody is online.")
}

fn address(router: &Router) -> String {
    format!("{}:{}{}", router.host, router.port, if router.use_tls { " (TLS)" } else { "" })
}

fn health(router: &Router) -> String {
    word(router.health().as_str_name(), "ROUTER_HEALTH_")
}
