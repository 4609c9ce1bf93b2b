//! Any text is a filter or is refused; what is a filter can be held against a resource.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scim::filter::Filter;
use scim::resource::Resource;
use scim::schema::{GROUP, USER};

fuzz_target!(|text: &str| {
    for resource_type in [&USER, &GROUP] {
        if let Ok(filter) = Filter::parse(text, resource_type) {
            let _ = filter.matches(&Resource::new());
        }
    }
});
