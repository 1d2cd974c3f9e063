//! The step that has several sessions at once.

use async_trait::async_trait;
use tokio::task::JoinSet;

use super::operations::all_closed;
use super::{Failure, Names, Parsed, STEPS, Step, World};
use crate::client::Operation;
use crate::scenario::fields::{Fields, Mistake, items};
use crate::scenario::node::Node;

/// The steps a session can have.
pub const IN_SESSION: &[&str] = &["upload", "rename", "remove", "mkdir", "rmdir", "set-times"];

struct Together(Vec<Session>);

struct Session {
    site: String,
    step: Box<dyn Step>,
}

pub(super) fn together(fields: &mut Fields<'_>, names: &Names) -> Parsed {
    let sessions = items(fields.need("sessions")?, "sessions")?;
    let sessions = sessions.iter().map(|node| session(node, names)).collect::<Result<_, _>>()?;
    Ok(Box::new(Together(sessions)))
}

fn session(node: &Node, names: &Names) -> Result<Session, Mistake> {
    let mut fields = Fields::of(node, "a session")?;
    let site = fields.need_text("as")?;
    names.need_site(fields.place_of("as"), &site)?;
    let mut steps = Vec::new();
    for kind in STEPS.iter().filter(|kind| IN_SESSION.contains(&kind.name)) {
        if let Some(node) = fields.take(kind.name) {
            steps.push(kind.read(node, names)?);
        }
    }
    fields.end()?;
    match steps.pop() {
        Some(step) if steps.is_empty() => Ok(Session { site, step }),
        _ => Err(Mistake::new(&node.place, format!("a session has one of {}", IN_SESSION.join(", ")))),
    }
}

#[async_trait]
impl Step for Together {
    fn operations(&self) -> Vec<Operation> {
        self.0.iter().flat_map(|session| session.step.operations()).collect()
    }

    fn is_unordered(&self) -> bool {
        true
    }

    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        let mut running = JoinSet::new();
        for (index, session) in self.0.iter().enumerate() {
            let Some((operation, _)) = session.step.in_session(world) else { continue };
            let pair = world.keys.get(&session.site).cloned();
            let pair = pair.ok_or_else(|| Failure::Stack("the site has no key".to_owned()))?;
            // Clients keep files of their own there; two of them would cross.
            let work = world.work.join(format!("session-{index}"));
            std::fs::create_dir_all(&work).map_err(|error| Failure::Stack(error.to_string()))?;
            let login = world.login(&session.site, pair, &work, None).await?;
            let client = world.client;
            running.spawn(async move { (index, client.perform(&login, &operation).await) });
        }
        let mut outcomes = running.join_all().await;
        outcomes.sort_by_key(|(index, _)| *index);
        if world.is_ordered {
            all_closed(world.stack.api()).await?;
        }
        for (index, outcome) in outcomes {
            let session = &self.0[index];
            if let Some((_, ending)) = session.step.in_session(world) {
                ending.judge(&outcome).map_err(|failure| failure.of(&format!("session {}", index + 1)))?;
            }
            world.outcome = Some(outcome);
        }
        Ok(())
    }
}
