//! The menus that the stand-in has: their properties, defaults, verbs and refusals, as one table.
//! Names come from MikroTik's CLI reference; it decides no behaviour.

/// `/ip/hotspot/user`
pub(super) const USER: &str = "/ip/hotspot/user";
/// `/ip/hotspot/user/profile`
pub(super) const USER_PROFILE: &str = "/ip/hotspot/user/profile";
/// `/ip/hotspot/active`
pub(super) const ACTIVE: &str = "/ip/hotspot/active";
/// `/ip/hotspot/host`
pub(super) const HOST: &str = "/ip/hotspot/host";
/// `/ip/hotspot/cookie`
pub(super) const COOKIE: &str = "/ip/hotspot/cookie";
/// `/ip/hotspot/ip-binding`
pub(super) const IP_BINDING: &str = "/ip/hotspot/ip-binding";
/// `/ip/hotspot/walled-garden`
pub(super) const WALLED_GARDEN: &str = "/ip/hotspot/walled-garden";
/// `/ip/hotspot/walled-garden/ip`
pub(super) const WALLED_GARDEN_IP: &str = "/ip/hotspot/walled-garden/ip";
/// `/ip/hotspot`: the hotspot servers.
pub(super) const SERVER: &str = "/ip/hotspot";
/// `/ip/hotspot/profile`: profiles of hotspot servers.
pub(super) const SERVER_PROFILE: &str = "/ip/hotspot/profile";
/// `/ip/service`
pub(super) const SERVICE: &str = "/ip/service";
/// `/ip/firewall/filter`
pub(super) const FILTER: &str = "/ip/firewall/filter";
/// `/ppp/secret`
pub(super) const SECRET: &str = "/ppp/secret";
/// `/ppp/profile`
pub(super) const PPP_PROFILE: &str = "/ppp/profile";
/// `/ppp/active`
pub(super) const PPP_ACTIVE: &str = "/ppp/active";
/// `/interface`
pub(super) const INTERFACE: &str = "/interface";
/// `/queue/simple`
pub(super) const QUEUE: &str = "/queue/simple";

/// What a property may hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// Raw bytes in whatever charset the writer used.
    Text,
    /// Text that may not be empty.
    Name,
    /// `yes`/`no`/`true`/`false` in, `true`/`false` out.
    Flag,
    /// A span of time.
    Span,
    /// A span of time or `none`.
    SpanOrNone,
    /// A whole number of 64 bits.
    Count,
    /// A whole number or `unlimited`.
    CountOrUnlimited,
    /// A hardware address, printed in capitals with colons.
    Mac,
    /// An IPv4 address.
    Address,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Some of these words, with commas between them.
    Choices(&'static [&'static str]),
    /// The name of a row of another menu, kept as its id so that a rename is followed.
    Reference(&'static str),
    /// The name of a hotspot server, or `all`.
    Server,
    /// `rx[/tx] [burst …]` with k and M.
    Rate,
}

/// One property of a menu.
#[derive(Debug)]
pub(super) struct Property {
    /// Its RouterOS name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What a new row gets when nothing is given; a property without default stays unset.
    pub default: Option<&'static str>,
    /// False for what only the router itself writes.
    pub settable: bool,
}

/// One menu with a table behind it.
#[derive(Debug)]
pub(super) struct Menu {
    /// Its path.
    pub path: &'static str,
    /// The verbs that it answers.
    pub verbs: &'static [&'static str],
    /// Its properties in the order of printing.
    pub properties: &'static [Property],
    /// Properties that a new row must be given.
    pub required: &'static [&'static str],
    /// Properties that together may exist once.
    pub unique: &'static [&'static str],
    /// The refusal of a second one.
    pub duplicate: &'static str,
}

impl Menu {
    /// The menu of a path.
    pub(super) fn find(path: &str) -> Option<&'static Self> {
        MENUS.iter().find(|menu| menu.path == path)
    }

    /// A property by its name.
    pub(super) fn property(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|property| property.name == name)
    }
}

const fn property(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, default: None, settable: true }
}

const fn text(name: &'static str) -> Property {
    property(name, Kind::Text)
}

impl Property {
    const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    const fn read_only(self) -> Self {
        Self { settable: false, ..self }
    }
}

const NAME: Property = property("name", Kind::Name);
const COMMENT: Property = text("comment");
const DISABLED: Property = property("disabled", Kind::Flag).or("false");
const DYNAMIC: Property = property("dynamic", Kind::Flag).or("false").read_only();
const DEFAULT: Property = property("default", Kind::Flag).read_only();
const SERVER_OF: Property = property("server", Kind::Server);
const MAC: Property = property("mac-address", Kind::Mac);
const ADDRESS: Property = property("address", Kind::Address);
const UPTIME: Property = property("uptime", Kind::Span).or("0s").read_only();

const fn counted(name: &'static str) -> Property {
    property(name, Kind::Count).or("0").read_only()
}

const PRINT: &[&str] = &["print", "getall", "listen"];
const PRINT_REMOVE: &[&str] = &["print", "getall", "listen", "remove"];
const PRINT_SET: &[&str] = &["print", "getall", "listen", "set", "enable", "disable"];
const FULL: &[&str] = &["print", "getall", "listen", "add", "set", "unset", "remove"];
const FULL_SWITCHED: &[&str] = &["print", "getall", "listen", "add", "set", "unset", "remove", "enable", "disable"];
const USER_VERBS: &[&str] = &["print", "getall", "listen", "add", "set", "unset", "remove", "enable", "disable", "reset-counters"];
const ACTIVE_VERBS: &[&str] = &["print", "getall", "listen", "remove", "login"];

/// `https-redirect` is missing on purpose: RouterOS 7.5 removed it, and setting it is an error.
const LOGIN_BY: &[&str] = &["cookie", "http-chap", "http-pap", "https", "mac", "mac-cookie", "trial"];
const PPP_SERVICES: &[&str] = &["any", "async", "l2tp", "ovpn", "pppoe", "pptp", "sstp"];

/// Every menu that has rows.
pub(super) const MENUS: &[Menu] = &[
    Menu {
        path: USER,
        verbs: USER_VERBS,
        properties: &[
            SERVER_OF,
            NAME,
            text("password"),
            ADDRESS,
            MAC,
            property("profile", Kind::Reference(USER_PROFILE)).or("default"),
            text("routes"),
            text("email"),
            property("limit-uptime", Kind::Span),
            property("limit-bytes-in", Kind::Count),
            property("limit-bytes-out", Kind::Count),
            property("limit-bytes-total", Kind::Count),
            text("otp-secret"),
            UPTIME,
            counted("bytes-in"),
            counted("bytes-out"),
            counted("packets-in"),
            counted("packets-out"),
            DYNAMIC,
            DISABLED,
            COMMENT,
        ],
        required: &["name"],
        unique: &["server", "name"],
        duplicate: "failure: already have user with this name for this server",
    },
    Menu {
        path: USER_PROFILE,
        verbs: FULL,
        properties: &[
            NAME,
            text("address-pool"),
            property("session-timeout", Kind::Span),
            property("idle-timeout", Kind::SpanOrNone).or("none"),
            property("keepalive-timeout", Kind::SpanOrNone).or("2m"),
            property("status-autorefresh", Kind::SpanOrNone).or("1m"),
            property("shared-users", Kind::CountOrUnlimited).or("1"),
            property("add-mac-cookie", Kind::Flag).or("true"),
            property("mac-cookie-timeout", Kind::Span).or("3d"),
            property("rate-limit", Kind::Rate),
            text("insert-queue-before"),
            text("parent-queue"),
            text("queue-type"),
            text("address-list"),
            text("incoming-filter"),
            text("outgoing-filter"),
            text("incoming-packet-mark"),
            text("outgoing-packet-mark"),
            text("on-login"),
            text("on-logout"),
            property("transparent-proxy", Kind::Flag).or("true"),
            property("open-status-page", Kind::Choice(&["always", "http-login"])).or("always"),
            property("advertise", Kind::Flag).or("false"),
            DEFAULT,
        ],
        required: &["name"],
        unique: &["name"],
        duplicate: "failure: profile with the same name already exists",
    },
    Menu {
        path: ACTIVE,
        verbs: ACTIVE_VERBS,
        properties: &[
            SERVER_OF.read_only(),
            text("user").read_only(),
            text("domain").read_only(),
            ADDRESS.read_only(),
            MAC.read_only(),
            text("login-by").read_only(),
            UPTIME,
            property("session-time-left", Kind::Span).read_only(),
            property("idle-time", Kind::Span).or("0s").read_only(),
            property("idle-timeout", Kind::Span).read_only(),
            property("keepalive-timeout", Kind::Span).read_only(),
            counted("bytes-in"),
            counted("bytes-out"),
            counted("packets-in"),
            counted("packets-out"),
            property("limit-bytes-in", Kind::Count).read_only(),
            property("limit-bytes-out", Kind::Count).read_only(),
            property("limit-bytes-total", Kind::Count).read_only(),
            property("radius", Kind::Flag).or("false").read_only(),
            COMMENT.read_only(),
        ],
        required: &[],
        unique: &[],
        duplicate: "",
    },
    Menu {
        path: HOST,
        verbs: PRINT_REMOVE,
        properties: &[
            MAC.read_only(),
            ADDRESS.read_only(),
            property("to-address", Kind::Address).read_only(),
            SERVER_OF.read_only(),
            UPTIME,
            property("idle-time", Kind::Span).or("0s").read_only(),
            text("found-by").or("UDP :68 -> :67").read_only(),
            property("DHCP", Kind::Flag).or("true").read_only(),
            property("authorized", Kind::Flag).or("false").read_only(),
            property("bypassed", Kind::Flag).or("false").read_only(),
            property("dynamic", Kind::Flag).or("true").read_only(),
        ],
        required: &[],
        unique: &[],
        duplicate: "",
    },
    Menu {
        path: COOKIE,
        verbs: PRINT_REMOVE,
        properties: &[
            text("user").read_only(),
            text("domain").read_only(),
            MAC.read_only(),
            property("expires-in", Kind::Span).read_only(),
            property("mac-cookie", Kind::Flag).or("true").read_only(),
        ],
        required: &[],
        unique: &[],
        duplicate: "",
    },
    Menu {
        path: IP_BINDING,
        verbs: FULL_SWITCHED,
        properties: &[
            MAC,
            ADDRESS,
            property("to-address", Kind::Address),
            SERVER_OF,
            property("type", Kind::Choice(&["regular", "bypassed", "blocked"])).or("regular"),
            property("bypassed", Kind::Flag).read_only(),
            property("blocked", Kind::Flag).read_only(),
            COMMENT,
            DISABLED,
        ],
        required: &[],
        unique: &[],
        duplicate: "",
    },
    Menu {
        path: WALLED_GARDEN,
        verbs: FULL_SWITCHED,
        properties: &[
            SERVER_OF,
            text("src-address"),
            text("method"),
            text("dst-host"),
            text("dst-port"),
            text("path"),
            property("action", Kind::Choice(&["allow", "deny"])).or("allow"),
            counted("hits"),
            COMMENT,
            DISABLED,
            DYNAMIC,
        ],
        required: &[],
        unique: &[],
        duplicate: "",
    },
    Menu {
        path: WALLED_GARDEN_IP,
        verbs: FULL_SWITCHED,
        properties: &[
            SERVER_OF,
            text("src-address"),
            text("dst-address"),
            text("dst-host"),
            text("protocol"),
            text("dst-port"),
            text("src-address-list"),
            text("dst-address-list"),
            property("action", Kind::Choice(&["accept", "drop", "reject"])).or("accept"),
            COMMENT,
            DISABLED,
            DYNAMIC,
        ],
        required: &[],
        unique: &[],
        duplicate: "",
    },
    Menu {
        path: SERVER,
        verbs: PRINT_SET,
        properties: &[
            NAME,
            text("interface"),
            text("address-pool"),
            property("profile", Kind::Reference(SERVER_PROFILE)).or("default"),
            property("idle-timeout", Kind::SpanOrNone).or("5m"),
            property("keepalive-timeout", Kind::SpanOrNone).or("none"),
            property("addresses-per-mac", Kind::CountOrUnlimited).or("2"),
            property("invalid", Kind::Flag).or("false").read_only(),
            property("HTTPS", Kind::Flag).or("false").read_only(),
            text(".about").read_only(),
            DISABLED,
        ],
        required: &["name"],
        unique: &["name"],
        duplicate: "failure: hotspot with the same name already exists",
    },
    Menu {
        path: SERVER_PROFILE,
        verbs: FULL,
        properties: &[
            NAME,
            text("hotspot-address"),
            text("dns-name").or(""),
            text("html-directory").or("hotspot"),
            text("html-directory-override").or(""),
            property("rate-limit", Kind::Rate),
            property("login-by", Kind::Choices(LOGIN_BY)).or("http-chap,cookie"),
            property("http-cookie-lifetime", Kind::Span).or("3d"),
            property("split-user-domain", Kind::Flag).or("false"),
            property("use-radius", Kind::Flag).or("false"),
            DEFAULT,
        ],
        required: &["name"],
        unique: &["name"],
        duplicate: "failure: profile with the same name already exists",
    },
    Menu {
        path: SECRET,
        verbs: FULL_SWITCHED,
        properties: &[
            NAME,
            property("service", Kind::Choice(PPP_SERVICES)).or("any"),
            text("caller-id").or(""),
            text("password").or(""),
            property("profile", Kind::Reference(PPP_PROFILE)).or("default"),
            property("local-address", Kind::Address),
            property("remote-address", Kind::Address),
            text("routes").or(""),
            property("limit-bytes-in", Kind::Count).or("0"),
            property("limit-bytes-out", Kind::Count).or("0"),
            text("last-caller-id").read_only(),
            text("last-disconnect-reason").read_only(),
            COMMENT,
            DISABLED,
        ],
        required: &["name"],
        unique: &["name"],
        duplicate: "failure: secret with the same name already exists",
    },
    Menu {
        path: PPP_PROFILE,
        verbs: FULL,
        properties: &[
            NAME,
            text("local-address"),
            text("remote-address"),
            property("rate-limit", Kind::Rate),
            property("session-timeout", Kind::Span),
            property("idle-timeout", Kind::Span),
            property("only-one", Kind::Choice(&["default", "no", "yes"])).or("default"),
            text("address-list").or(""),
            text("on-up").or(""),
            text("on-down").or(""),
            COMMENT,
            DEFAULT,
        ],
        required: &["name"],
        unique: &["name"],
        duplicate: "failure: profile with the same name already exists",
    },
    Menu {
        path: PPP_ACTIVE,
        verbs: PRINT_REMOVE,
        properties: &[
            text("name").read_only(),
            text("service").read_only(),
            text("caller-id").read_only(),
            ADDRESS.read_only(),
            UPTIME,
            text("encoding").or("").read_only(),
            text("session-id").read_only(),
            counted("limit-bytes-in"),
            counted("limit-bytes-out"),
            property("radius", Kind::Flag).or("false").read_only(),
        ],
        required: &[],
        unique: &[],
        duplicate: "",
    },
    Menu {
        path: INTERFACE,
        verbs: PRINT,
        properties: &[
            text("name").read_only(),
            text("type").read_only(),
            property("mtu", Kind::Count).or("1500").read_only(),
            counted("rx-byte"),
            counted("tx-byte"),
            DYNAMIC,
            property("running", Kind::Flag).or("true").read_only(),
            DISABLED,
        ],
        required: &[],
        unique: &[],
        duplicate: "",
    },
    Menu {
        path: QUEUE,
        verbs: PRINT,
        properties: &[
            text("name").read_only(),
            text("target").read_only(),
            text("max-limit").read_only(),
            text("bytes").or("0/0").read_only(),
            DYNAMIC,
            DISABLED,
        ],
        required: &[],
        unique: &[],
        duplicate: "",
    },
    Menu {
        path: SERVICE,
        verbs: PRINT,
        properties: &[
            text("name").read_only(),
            property("port", Kind::Count).read_only(),
            text("address").or("").read_only(),
            text("certificate").read_only(),
            property("max-sessions", Kind::Count).or("20").read_only(),
            property("invalid", Kind::Flag).or("false").read_only(),
            DISABLED,
        ],
        required: &[],
        unique: &[],
        duplicate: "",
    },
    Menu {
        path: FILTER,
        verbs: PRINT_SET,
        properties: &[
            text("chain"),
            text("action"),
            text("connection-state"),
            text("hw-offload"),
            counted("bytes"),
            counted("packets"),
            property("invalid", Kind::Flag).or("false").read_only(),
            DYNAMIC,
            DISABLED,
            COMMENT,
        ],
        required: &[],
        unique: &[],
        duplicate: "",
    },
];
