//! What a case sees of a stack that others use too, or that is not on this machine: sites and addresses by the
//! scenario's own names, and nothing that happened before it began.

use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::api::escaped;

/// Names of a scenario, and what they are called on the stack.
#[derive(Debug, Default)]
pub struct Scope {
    /// Sites: the scenario's code and the stack's.
    sites: Vec<(String, String)>,
    /// Single addresses: the scenario's and the network's.
    addresses: Vec<(String, String)>,
    /// Beginnings of addresses, `127.0.` and `10.213.`: what the scenario calls loopback is a network.
    networks: Option<(String, String)>,
    /// The last event before it began.
    after: u64,
    /// Faults it has armed, by number.
    faults: Mutex<Vec<u64>>,
}

impl Scope {
    /// Nothing is called otherwise.
    pub fn new() -> Scope {
        Scope::default()
    }

    /// The scenario's site `code` is the stack's site `there`.
    pub fn with_site(mut self, code: &str, there: &str) -> Scope {
        self.sites.push((code.to_owned(), there.to_owned()));
        self
    }

    /// The scenario's address `here` is `there`.
    pub fn with_address(mut self, here: &str, there: &str) -> Scope {
        self.addresses.push((here.to_owned(), there.to_owned()));
        self
    }

    /// Addresses that begin with `here` begin with `there`.
    pub fn with_network(mut self, here: &str, there: &str) -> Scope {
        self.networks = Some((here.to_owned(), there.to_owned()));
        self
    }

    /// Events up to this one are none of its.
    pub fn after(mut self, sequence: u64) -> Scope {
        self.after = sequence;
        self
    }

    /// The stack's name of a scenario's site; a name that is none stays.
    pub fn site<'a>(&'a self, code: &'a str) -> &'a str {
        self.sites.iter().find(|(here, _)| here == code).map_or(code, |(_, there)| there)
    }

    /// The stack's names of all its sites.
    pub fn sites(&self) -> impl Iterator<Item = &str> {
        self.sites.iter().map(|(_, there)| there.as_str())
    }

    /// The network's address for one of the scenario's, or for a range of them.
    pub fn address(&self, address: &str) -> String {
        let pairs = self.addresses.iter().map(|(here, there)| (here.as_str(), there.as_str()));
        self.moved(address, pairs, |(here, there)| (here, there))
    }

    fn moved<'a>(
        &'a self,
        address: &str,
        mut pairs: impl Iterator<Item = (&'a str, &'a str)>,
        direction: fn((&'a str, &'a str)) -> (&'a str, &'a str),
    ) -> String {
        if let Some((_, there)) = pairs.find(|(here, _)| *here == address) {
            return there.to_owned();
        }
        let single = address.split('/').next().unwrap_or_default();
        let network = self.networks.as_ref().filter(|_| single.parse::<Ipv4Addr>().is_ok());
        network
            .and_then(|(here, there)| {
                let (here, there) = direction((here, there));
                Some(format!("{there}{}", address.strip_prefix(here)?))
            })
            .unwrap_or_else(|| address.to_owned())
    }

    /// The path of a call, with the stack's names.
    pub fn path(&self, path: &str) -> String {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut segments: Vec<&str> = path.split('/').collect();
        if let ["sites" | "warehouse", code, ..] = segments[..] {
            segments[1] = self.site(code);
        }
        let path = segments.join("/");
        let Some(query) = query else { return path };
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name @ ("site" | "user"), value)) => format!("{name}={}", self.site(value)),
            Some((name @ "address", value)) => format!("{name}={}", escaped(&self.address(value))),
            _ => pair.to_owned(),
        });
        format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
    }

    /// The body of a call, with the stack's names.
    pub fn body(&self, body: &mut Value) {
        let Some(fields) = body.as_object_mut() else { return };
        for (name, value) in fields {
            match (name.as_str(), value) {
                ("code" | "site", Value::String(code)) => *code = self.site(code).to_owned(),
                ("addresses", Value::Array(addresses)) => {
                    for address in addresses {
                        let there = address.as_str().map(|address| self.address(address));
                        *address = there.map_or(Value::Null, Value::String);
                    }
                }
                _ => {}
            }
        }
    }

    /// An answer, with the scenario's names in place of the stack's wherever they stand.
    pub fn shown(&self, answer: &mut Value) {
        match answer {
            Value::String(text) => *text = self.words(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.shown(item)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.shown(value)),
            _ => {}
        }
    }

    /// A sentence of the stack's, in the scenario's names.
    pub fn words(&self, text: &str) -> String {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let mut words = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(is_of_name) {
            let (before, from) = rest.split_at(start);
            let (name, after) = from.split_at(from.find(|c| !is_of_name(c)).unwrap_or(from.len()));
            // A full stop at its end ends a sentence.
            let bare = name.trim_end_matches('.');
            words.push_str(before);
            words.push_str(&self.called(bare));
            words.push_str(&name[bare.len()..]);
            rest = after;
        }
        words.push_str(rest);
        words
    }

    fn called(&self, name: &str) -> String {
        if let Some((here, _)) = self.sites.iter().find(|(_, there)| there == name) {
            return here.clone();
        }
        let pairs = self.addresses.iter().map(|(here, there)| (there.as_str(), here.as_str()));
        self.moved(name, pairs, |(here, there)| (there, here))
    }

    /// The query with the event it counts from, which is never before its own beginning.
    pub fn since(&self, query: &str) -> String {
        let begins = |pair: &&str| pair.starts_with("after=");
        match (self.after, query.split('&').find(begins)) {
            (0, _) | (_, Some(_)) => query.to_owned(),
            (after, None) if query.is_empty() => format!("after={after}"),
            (after, None) => format!("{query}&after={after}"),
        }
    }

    /// Whether an event, as the stack tells it, is one of its own. Of what belongs to no site nobody can tell.
    pub fn is_own(&self, event: &Value) -> bool {
        let site = event["site"].as_str();
        !self.is_shared() || site.is_none_or(|site| self.sites().any(|own| own == site))
    }

    /// Whether others use the stack too.
    pub fn is_shared(&self) -> bool {
        !self.sites.is_empty()
    }

    /// Remembers a fault it has armed.
    pub fn armed(&self, answer: &Value) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).extend(answer["id"].as_u64());
    }

    /// The faults it has armed; they are forgotten.
    pub fn take_faults(&self) -> Vec<u64> {
        std::mem::take(&mut *self.faults.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Scope {
        Scope::new()
            .with_site("CITY", "CITY-a1")
            .with_address("127.0.0.1", "10.213.254.3")
            .with_network("127.0.", "10.213.")
            .after(7)
    }

    #[test]
    fn calls_go_out_with_the_stacks_names() {
        for (path, there) in [
            (
                "sites/CITY/files/inbox/CITY/a.tif?offset_bytes=0",
                "sites/CITY-a1/files/inbox/CITY/a.tif?offset_bytes=0",
            ),
            ("warehouse/CITY", "warehouse/CITY-a1"),
            ("warehouse/OTHER", "warehouse/OTHER"),
            ("events?kind=file.moved&site=CITY&path=CITY", "events?kind=file.moved&site=CITY-a1&path=CITY"),
            ("events?address=127.0.0.1", "events?address=10.213.254.3"),
            ("events?address=127.0.9.1", "events?address=10.213.9.1"),
            ("movers/nightly/run", "movers/nightly/run"),
        ] {
            assert_eq!(scope().path(path), there);
        }
        let mut body =
            json!({"code": "CITY", "addresses": ["127.0.0.1", "127.0.8.0/24", "::1"], "keys": ["CITY"]});
        scope().body(&mut body);
        let there = json!({"code": "CITY-a1", "addresses": ["10.213.254.3", "10.213.8.0/24", "::1"], "keys": ["CITY"]});
        assert_eq!(body, there);
    }

    #[test]
    fn answers_come_back_in_the_scenarios_names() {
        for (text, here) in [
            ("there is no site CITY-a1.", "there is no site CITY."),
            ("CITY-a12 is another", "CITY-a12 is another"),
            (
                "10.213.254.3 is not in 10.213.8.0/24; 10.213.254.30",
                "127.0.0.1 is not in 127.0.8.0/24; 127.0.254.30",
            ),
            ("version 10.213.x", "version 10.213.x"),
        ] {
            assert_eq!(scope().words(text), here);
        }
    }

    #[test]
    fn what_came_before_and_others_events_are_not_its_own() {
        for (query, since) in
            [("", "after=7"), ("kind=file.moved", "kind=file.moved&after=7"), ("after=9", "after=9")]
        {
            assert_eq!(scope().since(query), since);
        }
        assert!(scope().is_own(&json!({"site": "CITY-a1"})));
        assert!(scope().is_own(&json!({"kind": "clock.advanced"})));
        assert!(!scope().is_own(&json!({"site": "DEMO"})));
    }
}
