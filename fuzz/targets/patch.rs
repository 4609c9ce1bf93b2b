//! Any bytes are a PATCH body or are refused, for users and for groups.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scim::patch::{GroupPatch, PatchRequest};
use scim::resource::{self, Resource};
use scim::schema::USER;

fuzz_target!(|body: &[u8]| {
    let Ok(body) = resource::parse_json(body) else {
        return;
    };
    if let Ok(patch) = PatchRequest::read(&body, &USER) {
        let _ = patch.apply(&Resource::new(), &USER);
    }
    let _ = GroupPatch::read(&body);
    let _ = resource::read(&body, &USER);
});
