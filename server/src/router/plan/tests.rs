use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;
use crate::gateways::routeros::hotspot::Host;
use crate::gateways::routeros::{MacAddress, RateLimit};
use crate::router::desired::DesiredProfile;

const IP: Ipv4Addr = Ipv4Addr::new(10, 5, 50, 20);

fn mac(last: u8) -> MacAddress {
    MacAddress::parse(&format!("AA:BB:CC:DD:EE:{last:02X}")).unwrap()
}

fn device() -> Device {
    Device { ip: IP, mac: mac(1) }
}

fn wanted() -> DesiredUser {
    DesiredUser {
        session_id: "ses_1".to_owned(),
        name: "n7k2".to_owned(),
        password: "9F3K".to_owned(),
        server: None,
        mac: Some(mac(1)),
        profile: DesiredProfile { name: "netily-5M".to_owned(), download_kbps: 5_000, upload_kbps: 1_000, shared_devices: 1 },
        limit_uptime_seconds: Some(3_600),
        limit_bytes_total: None,
        comment: "netily ses_1".to_owned(),
        login: Some(device()),
        state: DesiredState::Present,
    }
}

fn host(mac: MacAddress, address: Ipv4Addr) -> Host {
    Host {
        id: "*1".to_owned(),
        mac: Some(mac),
        address: Some(address),
        to_address: Some(address),
        server: "hotspot1".to_owned(),
        authorized: false,
        bypassed: false,
    }
}

fn session(id: &str, user: &str, mac: MacAddress) -> Active {
    Active {
        id: id.to_owned(),
        server: "hotspot1".to_owned(),
        user: user.to_owned(),
        address: Some(IP),
        mac: Some(mac),
        uptime_seconds: 60,
        time_left_seconds: None,
        bytes_in: 10,
        bytes_out: 5_368_709_120,
        login_by: "http-chap".to_owned(),
    }
}

/// What a router that does as it is told holds after the steps.
fn after(desired: &DesiredUser, mut actual: ActualUser, steps: &[Step]) -> ActualUser {
    for step in steps {
        match step.clone() {
            Step::AddProfile(settings) => actual.profile = Some(held_profile("*p", &settings)),
            Step::SetProfile(id, settings) => actual.profile = Some(held_profile(&id, &settings)),
            Step::AddUser(settings) => actual.user = Some(held_user("*u", &settings)),
            Step::SetUser(id, settings) => actual.user = Some(held_user(&id, &settings)),
            Step::CloseSession(id) => actual.active.retain(|session| session.id != id),
            Step::Login(device) => {
                assert!(actual.active.iter().all(|session| session.mac != Some(device.mac)), "logged in twice");
                let id = format!("*{}", device.mac);
                actual.active.push(session(&id, &desired.name, device.mac));
            }
            Step::Disconnect => {
                actual.cookies = 0;
                actual.active.retain(|session| session.user != desired.name);
            }
            Step::RemoveUser(_) => actual.user = None,
        }
    }
    actual
}

fn held_profile(id: &str, settings: &ProfileSettings) -> Profile {
    Profile {
        id: id.to_owned(),
        name: settings.name.clone(),
        rate_limit: Some(settings.rate_limit),
        shared_users: Some(settings.shared_users),
        keepalive_seconds: Some(settings.keepalive_seconds),
    }
}

fn held_user(id: &str, settings: &UserSettings) -> User {
    User {
        id: id.to_owned(),
        server: settings.server.clone(),
        name: settings.name.clone(),
        password: None,
        mac: settings.mac,
        profile: settings.profile.clone(),
        limit_uptime_seconds: settings.limit_uptime_seconds,
        limit_bytes_total: settings.limit_bytes_total,
        uptime_seconds: 100,
        bytes_in: 1,
        bytes_out: 2,
        comment: settings.comment.clone(),
        disabled: false,
    }
}

fn held() -> ActualUser {
    let desired = wanted();
    ActualUser {
        profile: Some(held_profile("*p", &desired.profile_settings())),
        user: Some(held_user("*u", &desired.user_settings())),
        active: vec![session("*a", "n7k2", mac(1))],
        hosts: vec![host(mac(1), IP)],
        cookies: 1,
    }
}

fn names(steps: &[Step]) -> Vec<String> {
    let name = |step: &Step| match step {
        Step::CloseSession(id) => format!("close {id}"),
        Step::Login(device) => format!("login {}", device.ip),
        other => format!("{other:?}").split('(').next().unwrap().to_owned(),
    };
    steps.iter().map(name).collect()
}

#[test]
fn what_is_as_wanted_needs_no_step() {
    assert_eq!(diff(&wanted(), &held()), []);
    let all = DesiredUser { server: Some("all".to_owned()), ..wanted() };
    assert_eq!(diff(&all, &held()), []);
}

#[test]
fn on_an_empty_router_profile_user_and_login_come_in_this_order() {
    let actual = ActualUser { hosts: vec![host(mac(1), IP)], ..ActualUser::default() };
    assert_eq!(names(&diff(&wanted(), &actual)), ["AddProfile", "AddUser", "login 10.5.50.20"]);
}

#[test]
fn a_device_that_the_router_does_not_see_is_left_to_its_browser() {
    let steps = diff(&wanted(), &ActualUser::default());
    assert_eq!(names(&steps), ["AddProfile", "AddUser"]);
}

#[test]
fn the_routers_address_of_a_device_is_believed_before_the_pages() {
    let mut actual = held();
    actual.active.clear();
    actual.hosts = vec![host(mac(1), Ipv4Addr::new(10, 5, 50, 99))];
    assert_eq!(names(&diff(&wanted(), &actual)), ["login 10.5.50.99"]);
    actual.hosts.push(host(mac(2), IP));
    assert_eq!(names(&diff(&wanted(), &actual)), ["login 10.5.50.99"]);
    actual.hosts.push(host(mac(1), IP));
    assert_eq!(names(&diff(&wanted(), &actual)), ["login 10.5.50.20"]);
}

#[test]
fn a_device_on_line_as_somebody_else_changes_over() {
    let mut actual = held();
    actual.active = vec![session("*old", "older", mac(1))];
    assert_eq!(names(&diff(&wanted(), &actual)), ["close *old", "login 10.5.50.20"]);
}

#[test]
fn a_purchase_that_moved_puts_the_device_before_off() {
    let mut actual = held();
    actual.active = vec![session("*b", "n7k2", mac(2))];
    assert_eq!(names(&diff(&wanted(), &actual)), ["close *b", "login 10.5.50.20"]);
    let several = DesiredUser { mac: None, ..wanted() };
    actual.user = actual.user.map(|user| User { mac: None, ..user });
    assert_eq!(names(&diff(&several, &actual)), ["login 10.5.50.20"], "a plan for several devices keeps both");
}

#[test]
fn a_device_let_through_by_the_isp_is_on_line() {
    let mut actual = held();
    actual.active.clear();
    actual.hosts[0].bypassed = true;
    assert_eq!(diff(&wanted(), &actual), []);
    assert!(actual.is_online("n7k2", device()));
}

#[test]
fn new_limits_are_felt_by_devices_on_line() {
    let changes: [fn(&mut DesiredUser); 4] = [
        |desired| desired.limit_uptime_seconds = Some(7_200),
        |desired| desired.limit_bytes_total = Some(10_000_000_000),
        |desired| desired.profile.download_kbps = 9_000,
        |desired| desired.limit_uptime_seconds = None,
    ];
    for change in changes {
        let mut desired = wanted();
        change(&mut desired);
        let steps = names(&diff(&desired, &held()));
        assert_eq!(steps[1..], ["close *a", "login 10.5.50.20"], "{steps:?}");
    }
    let mut desired = wanted();
    desired.comment = "netily ses_2".to_owned();
    assert_eq!(names(&diff(&desired, &held())), ["SetUser"]);
}

#[test]
fn each_differing_property_of_a_user_is_named() {
    let settings = wanted().user_settings();
    type Change = fn(&mut User);
    let changes: [(&str, Change); 8] = [
        ("password", |user| user.password = Some("other".to_owned())),
        ("server", |user| user.server = Some("hotspot2".to_owned())),
        ("profile", |user| user.profile = "default".to_owned()),
        ("mac-address", |user| user.mac = None),
        ("limit-uptime", |user| user.limit_uptime_seconds = 0),
        ("limit-bytes-total", |user| user.limit_bytes_total = 1),
        ("comment", |user| user.comment.clear()),
        ("disabled", |user| user.disabled = true),
    ];
    for (name, change) in changes {
        let mut user = held_user("*u", &settings);
        change(&mut user);
        assert_eq!(user_differences(&settings, &user), [name]);
    }
    let mut user = held_user("*u", &settings);
    user.password = Some("9F3K".to_owned());
    assert!(user_differences(&settings, &user).is_empty());
}

#[test]
fn a_profile_with_a_burst_of_somebodys_is_rewritten() {
    let mut actual = held();
    actual.profile.as_mut().unwrap().rate_limit = None;
    assert_eq!(names(&diff(&wanted(), &actual))[0], "SetProfile");
}

#[test]
fn going_away_means_disconnect_then_remove() {
    let desired = DesiredUser { state: DesiredState::Absent, ..wanted() };
    assert_eq!(names(&diff(&desired, &held())), ["Disconnect", "RemoveUser"]);
    assert_eq!(diff(&desired, &ActualUser::default()), []);
    let cookie = ActualUser { cookies: 1, ..ActualUser::default() };
    assert_eq!(names(&diff(&desired, &cookie)), ["Disconnect"]);
    let session = ActualUser { active: vec![session("*a", "n7k2", mac(1))], ..ActualUser::default() };
    assert_eq!(names(&diff(&desired, &session)), ["Disconnect"]);
}

#[test]
fn usage_is_what_ended_and_what_runs() {
    let usage = held().usage("n7k2");
    assert_eq!((usage.uptime_seconds, usage.upload_bytes, usage.download_bytes), (160, 11, 5_368_709_122));
    assert_eq!(ActualUser::default().usage("n7k2").uptime_seconds, 0);
}

#[test]
fn comments_reach_the_router_as_ascii_and_passwords_reach_no_log() {
    let mut desired = wanted();
    desired.comment = "Café Mwangi".to_owned();
    assert_eq!(desired.user_settings().comment, "Caf? Mwangi");
    let steps = diff(&desired, &held());
    assert!(!format!("{desired:?} {steps:?} {:?}", held()).contains("9F3K"));
}

prop_compose! {
    fn any_desired()(
        mac_bound: bool,
        download_kbps in 0_u32..3,
        shared_devices in 0_u32..3,
        limit_uptime_seconds in prop::option::of(1_u64..3),
        limit_bytes_total in prop::option::of(1_u64..3),
        login: bool,
        present in prop::bool::weighted(0.8),
    ) -> DesiredUser {
        let mut desired = wanted();
        desired.mac = mac_bound.then(|| mac(1));
        desired.profile.download_kbps = download_kbps;
        desired.profile.shared_devices = shared_devices;
        desired.limit_uptime_seconds = limit_uptime_seconds;
        desired.limit_bytes_total = limit_bytes_total;
        desired.login = login.then(device);
        desired.state = if present { DesiredState::Present } else { DesiredState::Absent };
        desired
    }
}

prop_compose! {
    fn any_actual()(
        other in any_desired(),
        has_profile: bool,
        has_user: bool,
        disabled: bool,
        burst in prop::bool::weighted(0.2),
        logins in prop::sample::subsequence(vec![1_u8, 2, 3], 0..=3),
        strangers: bool,
        hosts in prop::sample::subsequence(vec![1_u8, 2], 0..=2),
        cookies in 0_usize..3,
    ) -> ActualUser {
        let mut profile = held_profile("*p", &other.profile_settings());
        profile.rate_limit = (!burst).then_some(RateLimit { download_kbps: 2, upload_kbps: 1_000 });
        let user = User { disabled, ..held_user("*u", &other.user_settings()) };
        let whose = if strangers { "older" } else { "n7k2" };
        ActualUser {
            profile: has_profile.then_some(profile),
            user: has_user.then_some(user),
            active: logins.into_iter().map(|last| session(&format!("*a{last}"), whose, mac(last))).collect(),
            hosts: hosts.into_iter().map(|last| host(mac(last), IP)).collect(),
            cookies,
        }
    }
}

proptest! {
    #[test]
    fn a_plan_carried_out_leaves_nothing_to_plan(desired in any_desired(), actual in any_actual()) {
        let steps = diff(&desired, &actual);
        let result = after(&desired, actual, &steps);
        prop_assert_eq!(diff(&desired, &result), []);
    }
}
