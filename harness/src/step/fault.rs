//! Steps that arm faults and disarm them.

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{Failure, Names, Parsed, Step, World};
use crate::scenario::fields::{Fields, Mistake};
use crate::stack;

struct Arm(Value);

pub(super) fn arm(fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    let place = fields.place().clone();
    let spec: Map<String, Value> =
        fields.rest().into_iter().map(|(key, node)| (key.text.clone(), node.to_json())).collect();
    let spec = Value::Object(spec);
    stack::check_fault(&spec).map_err(|reason| Mistake::new(&place, reason))?;
    Ok(Box::new(Arm(spec)))
}

#[async_trait]
impl Step for Arm {
    fn needs_process(&self) -> bool {
        self.0["fault"] == "kill"
    }

    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        world.stack.api().arm_fault(self.0.clone()).await?;
        Ok(())
    }
}

struct Clear;

pub(super) fn clear(_fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    Ok(Box::new(Clear))
}

#[async_trait]
impl Step for Clear {
    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        world.stack.api().clear_faults().await?;
        Ok(())
    }
}
