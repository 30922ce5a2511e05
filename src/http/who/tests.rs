use axum::http::HeaderValue;

use super::*;

const TOKEN: &str = "correct horse battery";
const CHROME_NAVIGATES: &[(&str, &str)] = &[
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    ),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("sec-fetch-site", "none"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-user", "?1"),
    ("sec-fetch-dest", "document"),
    ("sec-ch-ua-platform", "\"Linux\""),
    ("upgrade-insecure-requests", "1"),
    ("accept-language", "en-GB,en;q=0.9"),
];

/// What a page of this program sends from Firefox.
const OWN_PAGE: &[(&str, &str)] = &[
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"),
    ("accept", "*/*"),
    ("content-type", "application/json"),
    ("origin", "http://127.0.0.1:8099"),
    ("referer", "http://127.0.0.1:8099/"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-dest", "empty"),
];

/// What a form of another page has the same browser send.
const FOREIGN_FORM: &[(&str, &str)] = &[
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"),
    ("content-type", "text/plain"),
    ("origin", "https://cats.example"),
    ("referer", "https://cats.example/"),
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
];

/// What Home Assistant's ingress passes on.
const INGRESS_PAGE: &[(&str, &str)] = &[
    ("x-ingress-path", "/api/hassio_ingress/abc"),
    ("x-forwarded-for", "192.168.1.7"),
    ("x-forwarded-host", "ha.example.org"),
    ("x-forwarded-proto", "https"),
    ("x-remote-user-name", "anna"),
    ("origin", "https://ha.example.org"),
    ("sec-fetch-site", "same-origin"),
];

struct Asked {
    rules: Rules,
    peer: &'static str,
    method: Method,
    host: &'static str,
    headers: Vec<(&'static str, String)>,
}

fn asked(method: Method, peer: &'static str) -> Asked {
    let rules = Rules {
        token: Some(SecretString::from(TOKEN)),
        readers: Readers::Token,
        hosts: vec!["solar.example.org".to_owned()],
        supervised: true,
    };
    Asked { rules, peer, method, host: "127.0.0.1:8099", headers: Vec::new() }
}

fn post(peer: &'static str) -> Asked {
    asked(Method::POST, peer)
}

fn get(peer: &'static str) -> Asked {
    asked(Method::GET, peer)
}

impl Asked {
    fn with(mut self, headers: &[(&'static str, &str)]) -> Self {
        self.headers.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self
    }

    fn host(self, host: &'static str) -> Self {
        Self { host, ..self }
    }

    fn rules(mut self, change: impl Fn(&mut Rules)) -> Self {
        change(&mut self.rules);
        self
    }

    fn bearer(self, token: &str) -> Self {
        self.with(&[("authorization", &format!("Bearer {token}"))])
    }

    fn basic(self, user: &str, password: &str) -> Self {
        self.with(&[("authorization", &format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))])
    }

    fn header_map(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if !self.host.is_empty() {
            headers.append("host", HeaderValue::from_static(self.host));
        }
        for (name, value) in &self.headers {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn access(&self) -> Result<Access, Denied> {
        access(&self.rules, self.peer.parse().unwrap(), &self.method, None, &self.header_map())
    }

    /// The status with which it ends before anything is done; 200 if nothing stands in the way.
    fn status(&self) -> u16 {
        let headers = self.header_map();
        let done =
            self.access().and_then(|access| if self.method == Method::POST { body(access, &headers) } else { Ok(()) });
        done.map_or_else(|denied| denied.status().as_u16(), |()| 200)
    }
}

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

#[test]
fn programs_of_this_machine_are_trusted() {
    for peer in ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(post(peer).with(JSON).status(), 200, "{peer}");
        assert_eq!(get(peer).status(), 200, "{peer}");
        assert_eq!(post(peer).with(JSON).rules(|rules| rules.token = None).status(), 200, "{peer}");
    }
    assert_eq!(get("127.0.0.1").with(CHROME_NAVIGATES).status(), 200);
    assert_eq!(post("127.0.0.1").with(OWN_PAGE).status(), 200);
}

#[test]
fn ingress_is_trusted_and_its_headers_with_it() {
    for host in ["ha.example.org", "homeassistant.local:8123", "a0d7b954-givtcp:8099"] {
        assert_eq!(post("172.30.32.2").host(host).with(INGRESS_PAGE).with(JSON).status(), 200, "{host}");
    }
    let foreign = post("172.30.32.2").host("ha.example.org").with(JSON);
    assert_eq!(foreign.with(&[("origin", "https://cats.example")]).status(), 403);
    // From elsewhere they say only that a proxy is in between.
    for peer in ["127.0.0.1", "172.30.33.4", "172.30.32.1", "192.168.1.7"] {
        assert_eq!(post(peer).host("ha.example.org").with(INGRESS_PAGE).with(JSON).status(), 403, "{peer}");
        let under_a_name_of_ours = post(peer).host("givtcp").with(JSON);
        assert_eq!(under_a_name_of_ours.with(&[("x-forwarded-for", "127.0.0.1")]).status(), 401, "{peer}");
    }
}

#[test]
fn home_assistants_other_apps_are_trusted() {
    for (peer, status) in [
        ("172.30.33.1", 200),
        ("172.30.33.254", 200),
        ("::ffff:172.30.33.9", 200),
        ("172.30.34.1", 401),
        ("172.30.32.1", 401),
    ] {
        assert_eq!(post(peer).host("givtcp:8099").with(JSON).status(), status, "{peer}");
    }
}

#[test]
fn where_no_supervisor_runs_this_program_its_addresses_are_anyones() {
    for peer in ["172.30.32.2", "172.30.33.1"] {
        let asked = post(peer).host("givtcp").with(JSON).rules(|rules| rules.supervised = false);
        assert_eq!(asked.status(), 401, "{peer}");
    }
}

#[test]
fn everyone_else_needs_the_token_to_command() {
    for peer in ["192.168.1.7", "10.0.0.1", "203.0.113.9", "fd00::7", "172.17.0.1"] {
        let asked = || post(peer).with(JSON);
        assert_eq!(asked().access(), Err(Denied::NoToken), "{peer}");
        assert_eq!(asked().bearer("wrong horse battery ").access(), Err(Denied::WrongToken));
        assert_eq!(asked().bearer("").access(), Err(Denied::NoToken));
        assert_eq!(asked().bearer(TOKEN).status(), 200);
        assert_eq!(asked().basic("predbat", TOKEN).status(), 200);
        assert_eq!(asked().basic("", TOKEN).status(), 200);
        assert_eq!(asked().basic(TOKEN, "").status(), 401, "the password is the token, not the name");
        assert_eq!(asked().bearer(TOKEN).bearer(TOKEN).status(), 401, "one of both is not ours to choose");
    }
}

#[test]
fn a_token_with_a_colon_is_taken_whole_and_nonsense_is_no_token() {
    let rules = |rules: &mut Rules| rules.token = Some(SecretString::from("a:b:c:d:e:f:g:h:i"));
    assert_eq!(post("10.0.0.1").with(JSON).rules(rules).basic("u", "a:b:c:d:e:f:g:h:i").status(), 200);
    for nonsense in ["Basic", "Basic !!!", "Basic /w==", "Digest a", "correct", "", "Bearer"] {
        assert_eq!(post("10.0.0.1").with(JSON).with(&[("authorization", nonsense)]).status(), 401, "{nonsense}");
    }
    assert_eq!(post("10.0.0.1").with(JSON).with(&[("authorization", &format!("bEARER  {TOKEN}"))]).status(), 200);
}

#[test]
fn without_a_token_in_the_settings_others_command_nothing_whatever_they_send() {
    let asked = || post("192.168.1.7").with(JSON).rules(|rules| rules.token = None);
    assert_eq!(asked().access(), Err(Denied::NoTokenSet));
    assert_eq!(asked().bearer("").access(), Err(Denied::NoTokenSet));
    assert_eq!(asked().basic("", "").access(), Err(Denied::NoTokenSet));
    let empty = |rules: &mut Rules| rules.token = Some(SecretString::from(""));
    assert_eq!(post("192.168.1.7").with(JSON).rules(empty).bearer("").status(), 401);
}

#[test]
fn others_read_only_if_the_settings_allow_it() {
    let anyone = |rules: &mut Rules| rules.readers = Readers::Anyone;
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(asked(method.clone(), "192.168.1.7").status(), 401);
        assert_eq!(asked(method.clone(), "192.168.1.7").bearer(TOKEN).status(), 200);
        assert_eq!(asked(method, "192.168.1.7").rules(anyone).status(), 200);
    }
    assert_eq!(get("192.168.1.7").rules(|rules| rules.token = None).access(), Err(Denied::NothingTold));
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        assert_eq!(asked(method, "192.168.1.7").with(JSON).rules(anyone).status(), 401, "reading is not commanding");
    }
}

#[test]
fn what_a_proxy_passes_on_needs_the_token_wherever_it_comes_from() {
    for header in [
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "x-forwarded-anything",
        "Forwarded",
        "Via",
        "X-Real-IP",
        "CF-Connecting-IP",
    ] {
        for peer in ["127.0.0.1", "::1", "172.30.33.4"] {
            let name: &'static str = Box::leak(header.to_ascii_lowercase().into_boxed_str());
            let asked = || post(peer).with(JSON).with(&[(name, "127.0.0.1")]);
            assert_eq!(asked().status(), 401, "{header} {peer}");
            assert_eq!(asked().bearer(TOKEN).status(), 200, "{header} {peer}");
        }
    }
}

#[test]
fn pages_of_other_sites_are_refused_even_with_the_token() {
    assert_eq!(post("127.0.0.1").with(FOREIGN_FORM).status(), 403);
    assert_eq!(post("127.0.0.1").with(FOREIGN_FORM).bearer(TOKEN).status(), 403);
    for origin in [
        "https://cats.example",
        "null",
        "http://127.0.0.1",
        "http://127.0.0.1:9999",
        "http://127.0.0.1:8099.cats.example",
        "http://user@127.0.0.1:8099",
        "chrome-extension://abcdef",
        "",
    ] {
        assert_eq!(
            post("127.0.0.1").with(JSON).with(&[("origin", origin)]).access(),
            Err(Denied::ForeignOrigin),
            "{origin}"
        );
        assert_eq!(get("127.0.0.1").with(&[("origin", origin)]).status(), 403, "{origin}");
    }
    let mixed = post("127.0.0.1").with(OWN_PAGE).with(&[("origin", "https://cats.example")]);
    assert_eq!(mixed.status(), 403, "each of several counts");
    assert_eq!(post("127.0.0.1").host("[::1]:8099").with(JSON).with(&[("origin", "http://[::1]:8099")]).status(), 200);
    assert_eq!(post("127.0.0.1").host("givtcp").with(JSON).with(&[("origin", "http://GivTCP:80")]).status(), 200);
}

#[test]
fn a_cross_site_request_is_refused_without_an_origin_too() {
    for (site, status) in [("cross-site", 403), ("same-origin", 200), ("same-site", 200), ("none", 200)] {
        assert_eq!(get("127.0.0.1").with(&[("sec-fetch-site", site)]).status(), status, "{site}");
    }
    assert_eq!(get("172.30.32.2").with(&[("sec-fetch-site", "cross-site")]).status(), 403);
}

#[test]
fn a_name_that_a_foreign_page_could_have_is_refused() {
    for host in [
        "cats.example",
        "127.0.0.1.cats.example",
        "example.org",
        "localhost.cats.example",
        "0x7f.1",
        "2130706433",
        "[givtcp]",
        ".local",
    ] {
        assert_eq!(get("127.0.0.1").host(host).access(), Err(Denied::UnknownHost), "{host}");
        assert_eq!(post("127.0.0.1").host(host).bearer(TOKEN).status(), 403, "{host}");
    }
    for host in [
        "127.0.0.1",
        "192.168.1.20:8099",
        "[fd00::1]:8099",
        "[::1]",
        "localhost:8099",
        "givtcp",
        "533ea71a-givtcp:6345",
        "homeassistant.local:8099",
        "pi.lan",
        "pi.home.arpa",
        "solar.example.org",
        "SOLAR.example.org.:443",
    ] {
        assert_eq!(get("127.0.0.1").host(host).status(), 200, "{host}");
    }
}

#[test]
fn a_request_names_one_host() {
    assert_eq!(get("127.0.0.1").host("").access(), Err(Denied::NoHost));
    assert_eq!(get("127.0.0.1").with(&[("host", "127.0.0.1:8099")]).access(), Err(Denied::NoHost));
    for host in ["a b", "host:port", "host:99999", "a/b", "user@host", "[::1", ":8099"] {
        assert_eq!(get("127.0.0.1").host(host).status(), 400, "{host}");
    }
    let asked = get("127.0.0.1");
    let target =
        |target| access(&asked.rules, "127.0.0.1".parse().unwrap(), &Method::GET, Some(target), &asked.header_map());
    assert!(target("127.0.0.1:8099").is_ok());
    assert_eq!(target("cats.example"), Err(Denied::NoHost), "an absolute target that says otherwise");
}

#[test]
fn a_command_is_json_and_says_so_unless_it_bears_the_token() {
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/jsonp",
        "text/json",
    ] {
        assert_eq!(post("127.0.0.1").with(&[("content-type", kind)]).status(), 415, "{kind}");
        assert_eq!(post("192.168.1.7").with(&[("content-type", kind)]).bearer(TOKEN).status(), 200, "{kind}");
    }
    assert_eq!(post("127.0.0.1").status(), 415);
    assert_eq!(post("127.0.0.1").with(JSON).with(JSON).status(), 415, "one of two");
    assert_eq!(post("127.0.0.1").bearer("wrong").status(), 415, "a wrong token is none");
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/json;charset=UTF-8"] {
        assert_eq!(post("127.0.0.1").with(&[("content-type", kind)]).status(), 200, "{kind}");
    }
}

#[test]
fn a_token_is_compared_whole() {
    for wrong in
        ["correct horse batterz", "correct horse batter", "correct horse battery ", "Correct horse battery", "x"]
    {
        // Spaces at the end of a header do not count.
        let expected = if wrong.trim_end() == TOKEN { 200 } else { 401 };
        assert_eq!(get("10.0.0.1").bearer(wrong).status(), expected, "{wrong}");
        assert_eq!(get("10.0.0.1").basic("u", wrong).status(), if wrong == TOKEN { 200 } else { 401 }, "{wrong}");
    }
}
