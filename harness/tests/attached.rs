//! Scenarios against a stack that runs already: they pass as elsewhere, say what they cannot do there, and leave what
//! was there before as it was.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use spatialcloud_harness::api::Api;
use spatialcloud_harness::report::terminal::{Style, failure};
use spatialcloud_harness::runner::{self, Options, SkipKind};
use spatialcloud_harness::stack::{Attached, Stacks};
use spatialcloud_harness::{Stack, keys};

const TOKEN: &str = "a-token-of-somebody-else";

/// A stack that somebody else has started; it ends with its standard input.
struct Up(Child, Value);

impl Up {
    fn start(clock: &str) -> Up {
        let mut child = Command::new(env!("CARGO_BIN_EXE_spatialcloud"))
            .args(["up", "--json", "--until-eof", "--no-demo", "--clock", clock, "--token", TOKEN])
            .args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut card = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut card).unwrap();
        Up(child, serde_json::from_str(&card).unwrap())
    }

    fn url(&self) -> &str {
        self.1["http"].as_str().unwrap()
    }

    fn api(&self) -> Api {
        Api::new(self.url()).with_token(Some(TOKEN.to_owned()))
    }

    async fn attach(&self) -> Arc<Attached> {
        Arc::new(Attached::find(self.url(), Some(TOKEN.to_owned()), None).await.unwrap())
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// A site of somebody else's, and a fault that only strikes it.
async fn others_site(api: &Api) -> Value {
    let key = keys::pair("rsa-other").unwrap().public;
    api.create_site("OTHER", &key, &["203.0.113.7".to_owned()], true).await.unwrap();
    api.post("faults", json!({"fault": "status", "at": "write", "status": 4, "site": "OTHER"}))
        .await
        .unwrap();
    api.get("sites").await.unwrap()
}

fn options(stacks: Stacks) -> Options {
    let clients = Some(vec!["openssh".to_owned(), "built-in".to_owned()]);
    Options { clients, stacks, repeat: 1, ..Options::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn scenarios_pass_and_leave_nothing_behind() {
    let up = Up::start("manual");
    let before = others_site(&up.api()).await;
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let topics = ["access", "movers", "provisioning", "session", "upload"].map(|topic| scenarios.join(topic));
    let plan = runner::plan(&topics, &options(Stacks::Attached(up.attach().await))).unwrap();
    assert!(plan.cases.len() > 60, "{} cases", plan.cases.len());
    let reasons: Vec<&str> = plan
        .skips
        .iter()
        .filter(|skip| skip.kind == SkipKind::Stack)
        .map(|skip| skip.reason.as_str())
        .collect();
    for reason in [
        "it kills the stack, which others use too",
        "it restarts the stack, which others use too",
        "it compares the events of two stacks",
        "it needs endpoint.allow-ssh-rsa: true, and the stack runs with false",
    ] {
        assert!(reasons.contains(&reason), "{reason} is not among {reasons:#?}");
    }
    let results = runner::run(&plan.cases, 2, |_| {}).await;
    let failures: Vec<String> = results
        .iter()
        .filter_map(|result| Some(failure(result, result.failure.as_ref()?, &Style::plain())))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(up.api().get("sites").await.unwrap(), before);
    assert_eq!(up.api().get("faults").await.unwrap()["faults"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_runs_by_itself_is_named() {
    let up = Up::start("real");
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/upload");
    let plan = runner::plan(&[scenarios], &options(Stacks::Attached(up.attach().await))).unwrap();
    assert!(plan.cases.is_empty(), "{:?}", plan.cases);
    let reason = r#"it needs clock.pace: "manual", and the stack runs with "real""#;
    assert!(plan.skips.iter().any(|skip| skip.reason == reason), "{:?}", plan.skips);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_test_has_a_site_of_its_own() {
    let up = Up::start("manual");
    let attached = up.attach().await;
    let key = keys::pair("rsa-2048").unwrap().public;
    for _ in 0..2 {
        let stack = Stack::attached(&attached).site("CITY", &key, ["127.0.0.1"]).start().await.unwrap();
        assert_ne!(stack.user("CITY"), "CITY");
        assert_eq!(stack.api().get("sites/CITY").await.unwrap()["code"], "CITY");
        let events = stack.api().events("kind=site.provisioned").await.unwrap();
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0]["site"], "CITY");
    }
    assert_eq!(up.api().get("sites").await.unwrap()["sites"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said() {
    let up = Up::start("manual");
    let find = async |url: &str, token: Option<&str>, sftp: Option<&str>| {
        Attached::find(url, token.map(str::to_owned), sftp).await.unwrap_err().to_string()
    };
    let nobody = find("http://127.0.0.1:1", None, None).await;
    assert!(nobody.contains("is a stack running there?"), "{nobody}");
    let no_token = find(up.url(), Some("wrong"), None).await;
    assert!(no_token.contains("Authorization: Bearer TOKEN"), "{no_token}");
    let no_endpoint = find(up.url(), Some(TOKEN), Some("127.0.0.1:1")).await;
    assert!(no_endpoint.contains("--sftp HOST:PORT"), "{no_endpoint}");
}
