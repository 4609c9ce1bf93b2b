//! Any text is a PATCH path or is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scim::patch::PatchRequest;
use scim::resource::Resource;
use scim::schema::USER;
use serde_json::json;

fuzz_target!(|path: &str| {
    for op in ["add", "replace", "remove"] {
        let body = json!({"Operations": [{"op": op, "path": path, "value": "x"}]});
        if let Ok(patch) = PatchRequest::read(&body, &USER) {
            let _ = patch.apply(&Resource::new(), &USER);
        }
    }
});
