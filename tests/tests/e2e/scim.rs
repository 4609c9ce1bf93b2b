//! The SCIM service: its clients' requests against the sandbox. Most run in the process of the test; `deployed` runs
//! the real program behind API Gateway.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::panic,
    reason = "helpers of tests, which fail as the tests do"
)]

mod bulk;
mod clients;
mod deployed;
mod groups;
mod hr;
mod idempotency;
mod listing;
mod rights;
mod users;

use e2e::{Response, Scim, World};
use serde_json::{Value, json};

const USER_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const SEARCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
const ENTERPRISE_URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A user about whom nothing is odd.
fn ada() -> Value {
    user("ada.novak")
}

/// A user of this name.
fn user(user_name: &str) -> Value {
    json!({
        "schemas": [USER_URN],
        "userName": user_name,
        "externalId": format!("external-{user_name}"),
        "name": {"givenName": "Ada", "familyName": "Novak"},
        "emails": [{"value": format!("{user_name}@example.com"), "type": "work", "primary": true}],
    })
}

/// The same resource with these members.
fn with(mut resource: Value, members: Value) -> Value {
    if let (Some(resource), Value::Object(members)) = (resource.as_object_mut(), members) {
        resource.extend(members);
    }
    resource
}

/// The same client makes a user.
async fn create(scim: &Scim, user: Value) -> Response {
    scim.post("/Users", user).await.expect(201)
}

/// JumpCloud's user of this id.
fn stored(world: &World, id: &str) -> Value {
    let user = world.jumpcloud().user(id);
    user.unwrap_or_else(|| panic!("JumpCloud has no user {id}"))
}
