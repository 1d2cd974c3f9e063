//! Steps that move time on, run movers, and restart the stack.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Failure, Names, Parsed, Step, World};
use crate::scenario::fields::{Fields, Mistake};

struct Advance(Value);

pub(super) fn advance(fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    match (fields.text("by")?, fields.text("to")?) {
        (Some(by), None) => Ok(Box::new(Advance(json!({"by": by})))),
        (None, Some(to)) => Ok(Box::new(Advance(json!({"to": to})))),
        _ => Err(Mistake::new(fields.place(), "advance: expected `by: 5m` or `to: nightly`, one of the two")),
    }
}

#[async_trait]
impl Step for Advance {
    fn needs_own_stack(&self) -> Option<&'static str> {
        let is_instant = self.0["to"].as_str().is_some_and(|to| !MOVERS.contains(&to));
        is_instant.then_some("it moves time on to a date, and the stack has dates of its own")
    }

    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        let answer = world.stack.api().advance(self.0.clone()).await?;
        for run in answer["runs"].as_array().into_iter().flatten() {
            if run["moved"].as_u64() > Some(0) {
                let at = run["at"].as_str().unwrap_or_default();
                let at = at.get(..16).unwrap_or(at).replace('T', " ");
                world.story.push(format!(
                    "{} mover at {at}: {} moved",
                    run["mover"].as_str().unwrap_or_default(),
                    run["moved"]
                ));
            }
        }
        Ok(())
    }
}

/// The movers there are.
const MOVERS: &[&str] = &["interval", "nightly"];

struct RunMover(String);

pub(super) fn run_mover(fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    Ok(Box::new(RunMover(fields.need_one_of("name", "mover", MOVERS)?)))
}

#[async_trait]
impl Step for RunMover {
    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        world.stack.api().run_mover(&self.0).await?;
        Ok(())
    }
}

struct Restart;

pub(super) fn restart(_fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    Ok(Box::new(Restart))
}

#[async_trait]
impl Step for Restart {
    fn needs_own_stack(&self) -> Option<&'static str> {
        Some("it restarts the stack, which others use too")
    }

    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        world.stack.restart().await?;
        started_again(world);
        Ok(())
    }
}

fn started_again(world: &mut World) {
    let (sftp, api) = (world.stack.sftp().clone(), world.stack.api().clone());
    if let Some(login) = &mut world.login {
        (login.host, login.port) = (sftp.host, sftp.port);
        // Only where it is has changed; the host key is deliberately the one the client knew before.
        login.clock = Some(api);
    }
}

struct Kill {
    during: Option<String>,
}

pub(super) fn kill(fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    Ok(Box::new(Kill { during: fields.one_of("during", "mover", MOVERS)? }))
}

#[async_trait]
impl Step for Kill {
    fn needs_process(&self) -> bool {
        true
    }

    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        world.stack.kill(self.during.as_deref()).await?;
        // An upload that was held open has lost its connection.
        world.held = None;
        started_again(world);
        Ok(())
    }
}
