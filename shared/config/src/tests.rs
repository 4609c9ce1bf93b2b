//! What is taken, what is refused, and what is said about it.

use jiff::civil::Time;
use mapping::scim::{ActiveRule, UsernameFromEmail};
use mapping::{
    Activate, AdoptBy, Attribute, AttributeRule, Blank, Class, Field, Invite, LeaveAt, Missing,
    Origin, OutOfScope, Policy, ScopeKey, Selection, SourceName, SourceScope, TextTemplate, Update,
    UsernameTemplate, When,
};
use proptest::prelude::*;

use crate::{Claim, Config, CreateAs, Exceeded, Limit, OnDelete, SourceKind};

const EXAMPLE: &str = include_str!("../../../rollcall.example.toml");
const DEPLOYED: [&str; 2] = [
    include_str!("../../../infra/config/rollcall.toml"),
    include_str!("../../../infra/config/staging.toml"),
];

/// The least that a configuration must say.
const LEAST: &str = r#"
[jumpcloud]
api_key = "rollcall/jumpcloud"
[[source]]
name = "deel"
kind = "deel"
api_key = "rollcall/deel"
"#;

/// The problems of a text, as an admin sees them.
fn refused(text: &str) -> String {
    Config::parse(text)
        .unwrap_err()
        .display("rollcall.toml")
        .to_string()
}

/// The one problem of a line in `[section]`, without its place. `[[source]]` is the least one, continued.
fn refused_line(section: &str, line: &str) -> String {
    let text = with_line(section, line);
    let errors = Config::parse(&text).expect_err(&text);
    let [problem] = errors.problems() else {
        panic!("{line}: not one problem:\n{errors}")
    };
    let place = text.lines().position(|other| other == line).unwrap() + 1;
    assert_eq!(problem.line, place, "{line}: {}", problem.message);
    problem.message.clone()
}

/// What is said about each of these lines, alone in `[section]`.
fn refused_lines(section: &str, lines: &str) -> String {
    let message = |line| format!("{line}\n    {}\n", refused_line(section, line));
    lines.trim().lines().map(message).collect()
}

/// The configuration with a line in `[section]`.
fn taken_line(section: &str, line: &str) -> Config {
    Config::parse(&with_line(section, line)).unwrap_or_else(|errors| panic!("{line}: {errors}"))
}

fn with_line(section: &str, line: &str) -> String {
    match section {
        "jumpcloud" => LEAST.replace("[[source]]", &format!("{line}\n[[source]]")),
        "source" => format!("{LEAST}{line}\n"),
        _ => format!("{LEAST}[{section}]\n{line}\n"),
    }
}

fn attribute_rules(lines: &str) -> Vec<AttributeRule> {
    let config = taken_line("source.attributes", lines);
    config.sources.into_iter().next().unwrap().policy.attributes
}

#[test]
fn five_mistakes_are_reported_at_once_each_with_its_line() {
    let text = r#"
[jumpcloud]
api_key = "rollcall/jumpcloud"
region = "uk"
concurrency = 0

[[source]]
name = "deel"
kind = "deel"
api_key = "rollcall/deel"
timezon = "UTC"
activate_at = "8 o'clock"

[source.attributes]
jobTitle = { from = "jobtitle" }
"#;
    insta::assert_snapshot!(refused(text), @r#"
    rollcall.toml:4: `region` in [jumpcloud] must be `"us"` or `"eu"` or `"in"`, not `"uk"`
    rollcall.toml:5: `concurrency` in [jumpcloud] must be a whole number from 1 to 64, not `0`
    rollcall.toml:11: unknown key `timezon` in [[source]]: did you mean `timezone`?
    rollcall.toml:12: `activate_at` in [[source]] must be a time from `00:00` to `23:59`
    rollcall.toml:15: `from` in [source.attributes.jobTitle] names the unknown field `jobtitle`: did you mean `job_title`?
    "#);
}

#[test]
fn missing_keys_are_reported_at_their_table() {
    insta::assert_snapshot!(refused("[jumpcloud]\n\n[[source]]\nname = \"deel\"\n"), @r"
    rollcall.toml:1: missing key `api_key` in [jumpcloud]
    rollcall.toml:3: missing key `kind` in [[source]]
    rollcall.toml:3: missing key `api_key` in [[source]]
    ");
    insta::assert_snapshot!(refused(""), @r"
    rollcall.toml:1: missing key `api_key` in [jumpcloud]
    rollcall.toml:1: missing `[[source]]`: at least one is needed, or `[scim]` for SCIM clients alone
    ");
}

#[test]
fn mistyped_key_is_not_missing_too() {
    let text = LEAST
        .replace("kind", "kinds")
        .replace("[jumpcloud]", "[jump_cloud]");
    insta::assert_snapshot!(refused(&text), @r"
    rollcall.toml:2: unknown key `jump_cloud`: did you mean `jumpcloud`?
    rollcall.toml:6: unknown key `kinds` in [[source]]: did you mean `kind`?
    ");
}

#[test]
fn syntax_errors_stand_beside_the_other_problems() {
    let text = "[jumpcloud]\nregion = us\nregoin = \"us\"\nconcurrency = 99\nconcurrency = 9\n";
    insta::assert_snapshot!(refused(text), @r"
    rollcall.toml:2: not TOML: string values must be quoted, expected literal string
    rollcall.toml:3: unknown key `regoin` in [jumpcloud]: did you mean `region`?
    rollcall.toml:4: `concurrency` in [jumpcloud] must be a whole number from 1 to 64, not `99`
    rollcall.toml:5: not TOML: duplicate key
    ");
}

#[test]
fn second_source_with_a_name_is_refused() {
    let text = format!(
        "{LEAST}{}",
        LEAST
            .split_once("[[")
            .map(|(_, source)| format!("[[{source}"))
            .unwrap()
    );
    insta::assert_snapshot!(refused(&text), @r"
    rollcall.toml:9: `name` in [[source]] is taken: another source is called `deel`
    ");
}

#[test]
fn no_source_is_needed_where_scim_is_written() {
    let scim_only = "[jumpcloud]\napi_key = \"k\"\n\n[scim]\n";
    assert!(Config::parse(scim_only).unwrap().sources.is_empty());
    insta::assert_snapshot!(refused(&format!("{scim_only}[[source]]\nname = \"deel\"\n")), @r"
    rollcall.toml:5: missing key `kind` in [[source]]
    rollcall.toml:5: missing key `api_key` in [[source]]
    ");
}

#[test]
fn limit_of_scim_clients_is_a_number_alone() {
    let lines = "scim_suspend = { percent = 5 }\nscim_suspend = { floor = 3, max = 5 }";
    insta::assert_snapshot!(refused_lines("limits", lines), @r"
    scim_suspend = { percent = 5 }
        `percent` in [limits.scim_suspend] is not for SCIM clients: give `max`
    scim_suspend = { floor = 3, max = 5 }
        `floor` in [limits.scim_suspend] is not for SCIM clients: give `max`
    ");
}

#[test]
fn problems_without_a_path_still_say_their_line() {
    let errors = Config::parse("[jumpcloud]\napi_key = 7\n").unwrap_err();
    insta::assert_snapshot!(errors, @r"
    line 1: missing `[[source]]`: at least one is needed, or `[scim]` for SCIM clients alone
    line 2: `api_key` in [jumpcloud] must be text in quotes
    ");
}

#[test]
fn wrong_jumpcloud_settings_are_refused() {
    let lines = r#"
region = 3
base_url = "console.jumpcloud.com"
base_url = "https://x.example/?a=b"
base_url = "https://me:key@x.example"
organization = "a b"
concurrency = "8"
concurrency = 65
requests_per_second = 0
nothing_like_it = 1
"#;
    insta::assert_snapshot!(refused_lines("jumpcloud", lines), @r#"
    region = 3
        `region` in [jumpcloud] must be `"us"` or `"eu"` or `"in"`, not `3`
    base_url = "console.jumpcloud.com"
        `base_url` in [jumpcloud] must be an absolute `http` or `https` URL with neither query nor credentials
    base_url = "https://x.example/?a=b"
        `base_url` in [jumpcloud] must be an absolute `http` or `https` URL with neither query nor credentials
    base_url = "https://me:key@x.example"
        `base_url` in [jumpcloud] must be an absolute `http` or `https` URL with neither query nor credentials
    organization = "a b"
        `organization` in [jumpcloud] must be an organisation's id: letters, digits and `-`
    concurrency = "8"
        `concurrency` in [jumpcloud] must be a whole number from 1 to 64, not `"8"`
    concurrency = 65
        `concurrency` in [jumpcloud] must be a whole number from 1 to 64, not `65`
    requests_per_second = 0
        `requests_per_second` in [jumpcloud] must be a whole number from 1 to 1000, not `0`
    nothing_like_it = 1
        unknown key `nothing_like_it` in [jumpcloud]: use `region`, `api_key`, `base_url`, `organization`, `concurrency`, `requests_per_second`
    "#);
}

#[test]
fn wrong_username_settings_are_refused() {
    let lines = r#"
template = "{first}.{surname}"
template = "staff"
max_length = 7
reuse_after_days = "always"
"#;
    insta::assert_snapshot!(refused_lines("username", lines), @r#"
    template = "{first}.{surname}"
        `template` in [username] is refused: `{surname}` is no placeholder: use `{first}`, `{last}`, `{first_initial}`, `{last_initial}`
    template = "staff"
        `template` in [username] is refused: it has no placeholder, so everyone would get the same name
    max_length = 7
        `max_length` in [username] must be a whole number from 8 to 1024, not `7`
    reuse_after_days = "always"
        `reuse_after_days` in [username] must be `"never"` or a whole number from 0 to 3650, not `"always"`
    "#);
}

#[test]
fn wrong_limits_are_refused() {
    let lines = r"
suspend = 5
suspend = { floor = 3 }
suspend = { percent = 101 }
suspend = { max = -1 }
suspend = { maximum = 1 }
suspends = { max = 1 }
";
    insta::assert_snapshot!(refused_lines("limits", lines), @r"
    suspend = 5
        `suspend` in [limits] must be a table, not `5`
    suspend = { floor = 3 }
        `floor` in [limits.suspend] says nothing without `percent`
    suspend = { percent = 101 }
        `percent` in [limits.suspend] must be a whole number from 0 to 100, not `101`
    suspend = { max = -1 }
        `max` in [limits.suspend] must be a whole number from 0 to 1000000, not `-1`
    suspend = { maximum = 1 }
        unknown key `maximum` in [limits.suspend]: use `floor`, `percent`, `max`
    suspends = { max = 1 }
        unknown key `suspends` in [limits]: did you mean `suspend`?
    ");
}

#[test]
fn wrong_protection_is_refused() {
    let lines = r#"
usernames = "root"
usernames = ["root", 1]
admins = "yes"
"#;
    insta::assert_snapshot!(refused_lines("protect", lines), @r#"
    usernames = "root"
        `usernames` in [protect] must be an array, not `"root"`
    usernames = ["root", 1]
        `usernames` in [protect] must be text in quotes
    admins = "yes"
        `admins` in [protect] must be `true` or `false`, not `"yes"`
    "#);
}

#[test]
fn wrong_scim_settings_are_refused() {
    let lines = r#"
tokens = "env:MY-TOKENS"
tokens = "no spaces please"
create_as = "suspended"
max_scan = 0
"#;
    insta::assert_snapshot!(refused_lines("scim", lines), @r#"
    tokens = "env:MY-TOKENS"
        `tokens` in [scim] must be a Secrets Manager name or ARN, or `env:` and the name of a variable
    tokens = "no spaces please"
        `tokens` in [scim] must be a Secrets Manager name or ARN, or `env:` and the name of a variable
    create_as = "suspended"
        `create_as` in [scim] must be `"active"` or `"staged"`, not `"suspended"`
    max_scan = 0
        `max_scan` in [scim] must be a whole number from 1 to 1000000, not `0`
    "#);
}

#[test]
fn wrong_source_settings_are_refused() {
    let lines = r#"
base_url = "ftp://x.example"
timezone = "Europe/Lodnon"
timezone = "nowhere"
timezones = { London = "Europe/London", london = "UTC" }
activate_at = "24:00"
activate = "later"
provision_days_before = 366
grace_days = 366
missing_runs = 0
reinvite = 1
adopt = ["username"]
out_of_scope = "delete"
include = { department = [] }
include = { departments = "Sales" }
include = { countries = ["GB", " "] }
exclude = { email_domains = ["ana@corp.example"] }
"#;
    insta::assert_snapshot!(refused_lines("source", lines), @r#"
    base_url = "ftp://x.example"
        `base_url` in [[source]] must be an absolute `http` or `https` URL with neither query nor credentials
    timezone = "Europe/Lodnon"
        `timezone` in [[source]] names the unknown time zone `Europe/Lodnon`: did you mean `Europe/London`?
    timezone = "nowhere"
        `timezone` in [[source]] names the unknown time zone `nowhere`: use a name like `Europe/London`
    timezones = { London = "Europe/London", london = "UTC" }
        `london` in [source.timezones] is given twice: case does not count
    activate_at = "24:00"
        `activate_at` in [[source]] must be a time from `00:00` to `23:59`
    activate = "later"
        `activate` in [[source]] must be `"immediately"` or `"on_start_date"` or `"never"`, not `"later"`
    provision_days_before = 366
        `provision_days_before` in [[source]] must be `"any"` or a whole number from 0 to 365, not `366`
    grace_days = 366
        `grace_days` in [[source]] must be a whole number from 0 to 365, not `366`
    missing_runs = 0
        `missing_runs` in [[source]] must be a whole number from 1 to 1000, not `0`
    reinvite = 1
        `reinvite` in [[source]] must be `true` or `false`, not `1`
    adopt = ["username"]
        `adopt` in [[source]] must be `"employeeIdentifier"` or `"email"`, not `"username"`
    out_of_scope = "delete"
        `out_of_scope` in [[source]] must be `"hold"` or `"suspend"` or `"ignore"`, not `"delete"`
    include = { department = [] }
        unknown key `department` in [source.include]: did you mean `departments`?
    include = { departments = "Sales" }
        `departments` in [source.include] must be an array, not `"Sales"`
    include = { countries = ["GB", " "] }
        `countries` in [source.include] must not be empty
    exclude = { email_domains = ["ana@corp.example"] }
        `email_domains` in [source.exclude] must be a domain such as `corp.example`, not a whole address
    "#);
}

#[test]
fn wrong_attribute_rows_are_refused() {
    let lines = r#"
job_title = {}
jobTitle = "job_title"
jobTitle = { from = "manager" }
jobTitle = { from = "phone_numbers" }
jobTitle = { from = "custom." }
jobTitle = { from = "jobtitle" }
jobTitle = { from = "team", template = "{team}" }
location = { template = "{city}, {countri}" }
location = { template = "{town}" }
location = { template = "{city" }
location = { template = "{addresses}" }
location = { default = "" }
location = { update = "often" }
location = { blank = "empty" }
location = { form = "city" }
phoneNumber = {}
phoneNumbers = { default = "1" }
email = { from = "personal_email" }
email = { update = "if_empty" }
employeeIdentifier = { default = "1" }
manager = { template = "{first_name}" }
"attributes.hr team" = { from = "team" }
"attributes.hrTeam" = {}
attributes.hrTeam = { from = "team" }
"#;
    insta::assert_snapshot!(refused_lines("source.attributes", lines), @r#"
    job_title = {}
        unknown attribute `job_title` in [source.attributes]: did you mean `jobTitle`?
    jobTitle = "job_title"
        `jobTitle` in [source.attributes] must be a table, not `"job_title"`
    jobTitle = { from = "manager" }
        `from` in [source.attributes.jobTitle] names `manager`, which only the attribute `manager` can hold
    jobTitle = { from = "phone_numbers" }
        `from` in [source.attributes.jobTitle] names `phone_numbers`, which only the attribute `phoneNumbers` can hold
    jobTitle = { from = "custom." }
        `from` in [source.attributes.jobTitle] names the unknown field `custom.`: did you mean `custom.NAME`?
    jobTitle = { from = "jobtitle" }
        `from` in [source.attributes.jobTitle] names the unknown field `jobtitle`: did you mean `job_title`?
    jobTitle = { from = "team", template = "{team}" }
        `template` in [source.attributes.jobTitle] cannot stand beside `from`
    location = { template = "{city}, {countri}" }
        `template` in [source.attributes.location] names the unknown field `countri`: did you mean `country`?
    location = { template = "{town}" }
        `template` in [source.attributes.location] names the unknown field `town`: use `work_email`, `personal_email`, `first_name`, `middle_name`, `last_name`, `preferred_name`, `full_name`, `job_title`, `department`, `location`, `team`, `worker_type`, `entity`, `country`, `city`, `start_date`, `employee_id`, `work_phone`, `personal_phone`, `custom.NAME`
    location = { template = "{city" }
        `template` in [source.attributes.location] has a `{` that is not closed: `{city`
    location = { template = "{addresses}" }
        `template` in [source.attributes.location] names `addresses`, which only the attribute `addresses` can hold
    location = { default = "" }
        `default` in [source.attributes.location] must not be empty
    location = { update = "often" }
        `update` in [source.attributes.location] must be `"always"` or `"on_change"` or `"if_empty"` or `"once"` or `"never"`, not `"often"`
    location = { blank = "empty" }
        `blank` in [source.attributes.location] must be `"keep"` or `"clear"`, not `"empty"`
    location = { form = "city" }
        unknown key `form` in [source.attributes.location]: did you mean `from`?
    phoneNumber = {}
        unknown attribute `phoneNumber` in [source.attributes]: did you mean `phoneNumbers`?
    phoneNumbers = { default = "1" }
        `default` in [source.attributes.phoneNumbers] cannot be set for this attribute
    email = { from = "personal_email" }
        `from` in [source.attributes.email] cannot be set for this attribute
    email = { update = "if_empty" }
        `update` in [source.attributes.email] must be `"always"` or `"on_change"` or `"never"`, not `"if_empty"`
    employeeIdentifier = { default = "1" }
        `default` in [source.attributes.employeeIdentifier] cannot be set for this attribute
    manager = { template = "{first_name}" }
        `template` in [source.attributes.manager] cannot be set for this attribute
    "attributes.hr team" = { from = "team" }
        `attributes.hr team` in [source.attributes]: a custom attribute has 1 to 31 letters and digits after `attributes.`
    "attributes.hrTeam" = {}
        missing key `from` in [source.attributes."attributes.hrTeam"]
    attributes.hrTeam = { from = "team" }
        a custom attribute is written in quotes: `"attributes.NAME" = { from = "team" }`
    "#);
}

#[test]
fn groups_say_whom_they_are_for_and_are_not_made_unasked() {
    let config = Config::parse(&format!(
        "{LEAST}[[group]]\nname = \"Engineering\"\nwhen = {{ department = [\" R&D\", \"QA\"], worker_type = [\"employee\"] }}\n\
         create = true\n[[group]]\nname = \"Everyone\"\nwhen = {{}}\n"
    ));
    let groups = config.unwrap().groups;
    let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    let engineering = When::new([
        (Field::Department, values(&["r&d", "qa"])),
        (Field::WorkerType, values(&["Employee"])),
    ]);
    let shown: Vec<_> = groups
        .iter()
        .map(|rule| (rule.name.as_str(), &rule.when, rule.create))
        .collect();
    assert_eq!(
        shown,
        [
            ("Engineering", &engineering, true),
            ("Everyone", &When::default(), false)
        ]
    );
}

#[test]
fn groups_are_refused_where_it_is_not_clear_whom_they_are_for() {
    let text = format!(
        "{LEAST}[[group]]\nname = \"A\"\nwhen = {{ departement = [\"X\"], team = [] }}\n\
         [[group]]\nname = \"B \"\nwhen = {{ location = \"London\", country = [\" \"] }}\n\
         [[group]]\nname = \"A\"\n\
         [[group]]\nname = \"C\"\nwhen = {{}}\nmake = true\n"
    );
    insta::assert_snapshot!(refused(&text), @"
    rollcall.toml:10: unknown key `departement` in [group.when]: did you mean `department`?
    rollcall.toml:10: `team` in [group.when] must name at least one value: leave the key out where any will do
    rollcall.toml:12: `name` in [[group]] must not begin or end with a space
    rollcall.toml:13: `location` in [group.when] must be an array, not `\"London\"`
    rollcall.toml:13: `country` in [group.when] must not be empty
    rollcall.toml:14: missing key `when` in [[group]]
    rollcall.toml:15: `name` in [[group]] is taken: another rule is about `A`, and one group has one rule
    rollcall.toml:19: unknown key `make` in [[group]]: did you mean `name`?
    ");
}

#[test]
fn phone_numbers_of_deel_are_managed_once_they_are_asked_for() {
    let manages = |config: &Config| {
        let rules = &config.sources[0].policy.attributes;
        let mut rules = rules.iter();
        rules.any(|rule| rule.attribute == mapping::Attribute::PhoneNumbers)
    };
    assert!(!manages(&Config::parse(LEAST).unwrap()));
    let asked = taken_line("source", "phone_numbers = true");
    assert!(manages(&asked) && asked.sources[0].policy.needs_phone_numbers());
}

#[test]
fn source_may_be_asked_more_slowly_than_the_vendor_takes() {
    let rate = |config: &Config| config.sources[0].requests_per_second;
    assert_eq!(rate(&Config::parse(LEAST).unwrap()), None);
    assert_eq!(
        rate(&taken_line("source", "requests_per_second = 3")),
        Some(3)
    );
    let message = refused_line("source", "requests_per_second = 0");
    assert!(message.contains("from 1 to 1000"), "{message}");
}

#[test]
fn secrets_in_the_wrong_place_are_not_repeated() {
    for line in [
        "api_key = \"key with: odd signs\"",
        "api_key = [\"SECRET\"]",
        "api_key = 1234567",
    ] {
        let text = LEAST.replace("api_key = \"rollcall/jumpcloud\"", line);
        let message = refused(&text);
        assert!(
            !["odd", "SECRET", "1234567"]
                .iter()
                .any(|secret| message.contains(secret)),
            "{message}"
        );
    }
}

#[test]
fn source_table_written_once_is_told_apart() {
    insta::assert_snapshot!(refused(&LEAST.replace("[[source]]", "[source]")), @r"
    rollcall.toml:4: `source` is a list of tables: write `[[source]]`
    ");
}

#[test]
fn source_names_are_short_and_plain() {
    for (name, is_taken) in [
        ("deel", true),
        ("deel-uk_2", true),
        ("Deel", false),
        ("2deel", false),
        ("", false),
        ("dé", false),
    ] {
        let text = LEAST.replace("name = \"deel\"", &format!("name = \"{name}\""));
        assert_eq!(Config::parse(&text).is_ok(), is_taken, "{name}");
    }
}

#[test]
fn least_configuration_has_every_default() {
    let config = Config::parse(LEAST).unwrap();
    assert_eq!(config.jumpcloud.api_key.as_str(), "rollcall/jumpcloud");
    assert_eq!(config.jumpcloud.base_url, "https://console.jumpcloud.com");
    assert_eq!(config.scim.tokens.to_string(), "rollcall/scim");
    let [source] = config.sources.as_slice() else {
        panic!("one source")
    };
    assert_eq!(source.name, SourceName::from("deel"));
    assert_eq!(source.kind, SourceKind::Deel);
    assert_eq!(source.policy, Policy::deel());
    assert_eq!(source.zones.default.iana_name(), Some("UTC"));
    assert!(config.protect.admins);
}

#[test]
fn example_file_holds_the_defaults() {
    let mut example = Config::parse(EXAMPLE).unwrap_or_else(|errors| panic!("{errors}"));
    let least = Config::parse(LEAST).unwrap();
    example.digest.clone_from(&least.digest);
    assert_eq!(format!("{example:#?}"), format!("{least:#?}"));
}

#[test]
fn deployed_configurations_are_right() {
    for text in DEPLOYED {
        Config::parse(text).unwrap_or_else(|errors| panic!("{errors}"));
    }
}

#[test]
fn examples_in_the_example_file_are_taken() {
    let example = |line: &'static str| {
        let setting = line.strip_prefix("# ")?;
        if setting.starts_with("[[") {
            return Some(setting);
        }
        let (key, _) = setting.split_once(" = ")?;
        (!key.contains(' ')).then_some(setting)
    };
    let text: Vec<&str> = EXAMPLE
        .lines()
        .map(|line| example(line).unwrap_or(line))
        .collect();
    let config = Config::parse(&text.join("\n")).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(config.limits.classes.contains_key(&Class::Create));
    assert!(config.sources[0].base_url.is_some());
    assert_eq!(config.groups.len(), 1);
    assert_eq!(
        config.sources[0].policy.attributes.len(),
        Policy::deel().attributes.len() + 3
    );
}

#[test]
fn digest_follows_the_text() {
    let digest = |text: &str| Config::parse(text).unwrap().digest;
    assert_eq!(digest(LEAST), digest(LEAST));
    assert_ne!(digest(LEAST), digest(EXAMPLE));
    let hex = digest(LEAST).strip_prefix("sha256:").unwrap().to_owned();
    assert!(
        hex.len() == 64 && hex.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')),
        "{hex}"
    );
}

#[test]
fn jumpcloud_address_follows_the_region_unless_given() {
    for (line, base_url) in [
        ("region = \"us\"", "https://console.jumpcloud.com"),
        ("region = \"eu\"", "https://console.eu.jumpcloud.com"),
        ("region = \"in\"", "https://console.in.jumpcloud.com"),
        (
            "base_url = \"http://127.0.0.1:8080/\"",
            "http://127.0.0.1:8080",
        ),
        (
            "base_url = \"https://gateway.example/jumpcloud\"",
            "https://gateway.example/jumpcloud",
        ),
    ] {
        assert_eq!(
            taken_line("jumpcloud", line).jumpcloud.base_url,
            base_url,
            "{line}"
        );
    }
}

#[test]
fn secrets_are_names_arns_or_variables() {
    for name in [
        "rollcall/scim",
        "env:SCIM_TOKENS",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rollcall/scim-a1B2c3",
    ] {
        assert_eq!(
            taken_line("scim", &format!("tokens = \"{name}\""))
                .scim
                .tokens
                .as_str(),
            name
        );
    }
}

#[test]
fn username_settings_reach_every_source() {
    let second = LEAST
        .split_once("[[")
        .map(|(_, source)| source.replace("\"deel\"\nkind", "\"two\"\nkind"));
    let text = format!(
        "{LEAST}[[{}[username]\ntemplate = \"{{first_initial}}{{last}}\"\nmax_length = 20\n",
        second.unwrap()
    );
    let config = Config::parse(&text).unwrap();
    let expected = UsernameTemplate::parse("{first_initial}{last}", 20).unwrap();
    assert_eq!(config.sources.len(), 2);
    assert!(
        config
            .sources
            .iter()
            .all(|source| source.policy.username == expected)
    );
    let shorter = taken_line("username", "max_length = 20");
    let expected = UsernameTemplate::parse("{first}.{last}", 20).unwrap();
    assert_eq!(shorter.sources[0].policy.username, expected);
}

#[test]
fn protected_usernames_are_lower_case() {
    let protect = taken_line("protect", "usernames = [\"Break.Glass\", \" root \"]").protect;
    assert_eq!(
        protect.usernames.iter().collect::<Vec<_>>(),
        ["break.glass", "root"]
    );
}

#[test]
fn every_choice_is_understood() {
    let scim = taken_line(
        "scim",
        "create_as = \"staged\"\non_delete = \"delete\"\nusername_from_email = \"refuse\"\n\
         active = \"not_suspended\"\nclaim = \"never\"\nmax_scan = 5",
    )
    .scim;
    assert_eq!(
        (
            scim.create_as,
            scim.on_delete,
            scim.username_from_email,
            scim.active,
            scim.claim,
            scim.max_scan
        ),
        (
            CreateAs::Staged,
            OnDelete::Delete,
            UsernameFromEmail::Refuse,
            ActiveRule::NotSuspended,
            Claim::Never,
            5
        )
    );
    let lines = "activate = \"never\"\nprovision_days_before = 14\nactivate_at = \"07:30\"\n\
                 leave_at = \"17:30\"\ngrace_days = 3\ninvite = \"work\"\nmissing = \"hold\"\n\
                 adopt = [\"email\"]\ntimezones = { \" London \" = \"Europe/London\" }";
    let config = taken_line("source", lines);
    let source = &config.sources[0];
    let lifecycle = &source.policy.lifecycle;
    assert_eq!(lifecycle.activate, Activate::Never);
    assert_eq!(lifecycle.provision_days_before, Some(14));
    assert_eq!(lifecycle.activate_at, Time::constant(7, 30, 0, 0));
    assert_eq!(
        lifecycle.leave_at,
        LeaveAt::TimeOfLastDay(Time::constant(17, 30, 0, 0))
    );
    assert_eq!(lifecycle.grace_days, 3);
    assert_eq!(lifecycle.invite, Invite::Work);
    assert_eq!(lifecycle.missing, Missing::Hold);
    assert_eq!(source.policy.adopt, [AdoptBy::Email]);
    assert_eq!(
        source.zones.table["london"].iana_name(),
        Some("Europe/London")
    );
}

#[test]
fn a_scope_names_people_by_key_and_an_empty_one_names_everyone() {
    let scope = |lines: &str| {
        let config = taken_line("source", lines);
        config.sources[0].policy.scope.clone()
    };
    assert_eq!(
        scope("include = { countries = [] }\nexclude = {}"),
        SourceScope::default()
    );
    let given = scope(
        "include = { countries = [\" gb\", \"FR\"] }\nexclude = { email_domains = [\"@Sub.Example\"] }",
    );
    let named = |values: &[(ScopeKey, &str)]| {
        let values = values
            .iter()
            .map(|(key, value)| (*key, (*value).to_owned()));
        values.collect::<Selection>()
    };
    let include = named(&[(ScopeKey::Countries, "GB"), (ScopeKey::Countries, "fr")]);
    let exclude = named(&[(ScopeKey::EmailDomains, "sub.example")]);
    assert_eq!(given, SourceScope { include, exclude });
    for (word, meaning) in [
        ("hold", OutOfScope::Hold),
        ("suspend", OutOfScope::Suspend),
        ("ignore", OutOfScope::Ignore),
    ] {
        let config = taken_line("source", &format!("out_of_scope = \"{word}\""));
        assert_eq!(config.sources[0].policy.lifecycle.out_of_scope, meaning);
    }
}

#[test]
fn names_of_leavers_are_kept_unless_a_number_of_days_is_given() {
    for (value, days) in [("\"never\"", None), ("0", Some(0)), ("90", Some(90))] {
        let config = taken_line("username", &format!("reuse_after_days = {value}"));
        assert_eq!(config.reuse_usernames_after_days, days);
    }
}

#[test]
fn limits_have_their_defaults_and_are_replaced_whole() {
    let limit = |floor, percent, max| Limit {
        floor,
        percent,
        max,
    };
    let default = Config::parse(LEAST).unwrap().limits;
    let tight = limit(Some(3), Some(5), Some(50));
    let expected = [
        (Class::Adopt, limit(None, None, Some(0))),
        (Class::Update, limit(Some(50), Some(50), None)),
        (Class::Rename, tight),
        (Class::Suspend, tight),
        (Class::Reactivate, tight),
        (Class::Missing, tight),
        (Class::Blank, limit(Some(5), Some(10), None)),
    ];
    assert_eq!(default.classes, expected.into());
    assert_eq!(default.shrink, limit(Some(10), Some(10), None));
    assert_eq!(default.scim_suspend, None);

    let given = taken_line(
        "limits",
        "suspend = { max = 9 }\ncreate = { max = 8 }\nadopt = {}\nscim_suspend = { max = 7 }",
    );
    assert_eq!(
        given.limits.classes[&Class::Suspend],
        limit(None, None, Some(9))
    );
    assert_eq!(
        given.limits.classes[&Class::Create],
        limit(None, None, Some(8))
    );
    assert_eq!(given.limits.classes[&Class::Adopt], Limit::default());
    assert_eq!(given.limits.classes[&Class::Missing], tight);
    assert_eq!(given.limits.scim_suspend, Some(limit(None, None, Some(7))));
}

#[test]
fn limit_holds_above_max_or_above_both_floor_and_percent() {
    let max = |value| Some(Exceeded { rule: "max", value });
    let percent = |value| {
        Some(Exceeded {
            rule: "percent",
            value,
        })
    };
    let tight = Limit {
        floor: Some(3),
        percent: Some(5),
        max: Some(50),
    };
    let share = Limit {
        percent: Some(10),
        ..Limit::default()
    };
    let nothing = Limit {
        percent: Some(0),
        ..Limit::default()
    };
    let none = Limit {
        max: Some(0),
        ..Limit::default()
    };
    for (limit, count, of, expected) in [
        (tight, 0, 0, None),
        (tight, 3, 10, None),
        (tight, 4, 80, None),
        (tight, 4, 79, percent(5)),
        (tight, 50, 1000, None),
        (tight, 51, 1000, max(50)),
        (tight, 51, 100_000, max(50)),
        (share, 10, 100, None),
        (share, 11, 100, percent(10)),
        (share, 1, 9, percent(10)),
        (share, usize::MAX, usize::MAX, percent(10)),
        (nothing, 1, 100, percent(0)),
        (nothing, 0, 100, None),
        (none, 0, 100, None),
        (none, 1, 100, max(0)),
        (Limit::default(), usize::MAX, 1, None),
    ] {
        assert_eq!(
            limit.exceeded_by(count, of),
            expected,
            "{limit:?}: {count} of {of}"
        );
    }
}

#[test]
fn attributes_keep_the_order_of_the_table_then_of_the_file() {
    let rules = attribute_rules(
        "\"attributes.zeta\" = { from = \"team\" }\naddresses = {}\n\"attributes.alpha\" = { template = \"x\" }\n\
         department = { update = \"once\" }\ncompany = { update = \"never\" }",
    );
    let names: Vec<String> = rules
        .iter()
        .map(|rule| rule.attribute.to_string())
        .collect();
    assert_eq!(
        names,
        [
            "email",
            "firstname",
            "lastname",
            "displayname",
            "jobTitle",
            "department",
            "location",
            "costCenter",
            "employeeType",
            "employeeIdentifier",
            "alternateEmail",
            "addresses",
            "manager",
            "attributes.zeta",
            "attributes.alpha",
        ]
    );
}

#[test]
fn each_kind_of_source_has_its_published_mapping() {
    let humaans = LEAST.replace(
        "\"deel\"\nkind = \"deel\"",
        "\"people\"\nkind = \"humaans\"",
    );
    let (_, second) = humaans.split_once("[[").unwrap();
    let lines = "[source.attributes]\nlocation = {}\nmanager = { update = \"never\" }\n";
    let config = Config::parse(&format!("{LEAST}[[{second}{lines}")).unwrap();
    let [deel, people] = config.sources.as_slice() else {
        panic!("two sources")
    };
    assert_eq!(
        (deel.kind, people.kind),
        (SourceKind::Deel, SourceKind::Humaans)
    );
    assert_eq!(deel.policy, Policy::deel());
    let names = |policy: &Policy| {
        let names = policy.attributes.iter();
        names
            .map(|rule| rule.attribute.to_string())
            .collect::<Vec<_>>()
    };
    let published = [
        "email",
        "firstname",
        "lastname",
        "displayname",
        "jobTitle",
        "department",
        "employeeIdentifier",
        "alternateEmail",
        "phoneNumbers",
        "addresses",
        "manager",
    ];
    assert_eq!(names(&Policy::humaans()), published);
    let mut changed = published.to_vec();
    changed.insert(6, "location");
    changed.retain(|name| *name != "manager");
    assert_eq!(names(&people.policy), changed);
    let unknown = LEAST.replace("kind = \"deel\"", "kind = \"human\"");
    insta::assert_snapshot!(refused(&unknown), @r#"rollcall.toml:6: `kind` in [[source]] must be `"deel"` or `"humaans"`, not `"human"`"#);
}

#[test]
fn custom_fields_of_hr_are_named_in_rows_and_templates() {
    let lines = "\"attributes.costCode\" = { from = \"custom.Cost code\", default = \"none\" }\n\
                 location = { template = \"{city} {custom.Desk (new)}\" }\n\
                 company = { template = \"ACME\" }";
    let config = taken_line("source.attributes", lines);
    let policy = &config.sources[0].policy;
    assert_eq!(
        policy.custom_fields(),
        ["Cost code", "Desk (new)"].map(Into::into).into()
    );
    let rule = policy.attributes.last().unwrap();
    assert_eq!(rule.attribute, Attribute::Custom("costCode".into()));
    assert_eq!(
        rule.origin,
        Origin::Field(Field::Custom("Cost code".into()))
    );
    let constant = Origin::Template(TextTemplate::parse("ACME").unwrap());
    assert!(policy.attributes.iter().any(|rule| rule.origin == constant));
}

#[test]
fn attribute_row_changes_only_what_it_names() {
    let rule = |line: &str, attribute: &Attribute| {
        attribute_rules(line)
            .into_iter()
            .find(|rule| rule.attribute == *attribute)
            .unwrap()
    };
    let plain = AttributeRule {
        attribute: Attribute::Location,
        origin: Origin::Field(Field::Location),
        default: None,
        update: Update::Always,
        blank: Blank::Keep,
    };
    let template = Origin::Template(TextTemplate::parse("{city}, {country}").unwrap());
    for (line, expected) in [
        ("location = {}", plain.clone()),
        (
            "location = { from = \"city\" }",
            AttributeRule {
                origin: Origin::Field(Field::City),
                ..plain.clone()
            },
        ),
        (
            "location = { template = \"{city}, {country}\", default = \"Remote\" }",
            AttributeRule {
                origin: template,
                default: Some("Remote".into()),
                ..plain.clone()
            },
        ),
        (
            "location = { update = \"on_change\", blank = \"clear\" }",
            AttributeRule {
                update: Update::OnChange,
                blank: Blank::Clear,
                ..plain
            },
        ),
    ] {
        assert_eq!(rule(line, &Attribute::Location), expected, "{line}");
    }
    let email = rule("email = { update = \"never\" }", &Attribute::Email);
    assert_eq!(email.update, Update::Once);
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in "(?s).*") {
        let _ = Config::parse(&text);
    }

    #[test]
    fn damaged_configuration_is_read_without_panic(
        from in 0..EXAMPLE.len(),
        length in 0_usize..200,
        put in "[\\[\\]{}=\",.#\n a-z0-9]{0,12}",
    ) {
        let cut = |at: usize| EXAMPLE.char_indices().map(|(index, _)| index).find(|index| *index >= at);
        let start = cut(from).unwrap_or(EXAMPLE.len());
        let end = cut(from + length).unwrap_or(EXAMPLE.len());
        let text = format!("{}{put}{}", &EXAMPLE[..start], &EXAMPLE[end..]);
        let lines = text.lines().count() + 1;
        if let Err(errors) = Config::parse(&text) {
            prop_assert!(!errors.problems().is_empty());
            prop_assert!(errors.problems().is_sorted_by_key(|problem| problem.line));
            prop_assert!(errors.problems().iter().all(|problem| (1..=lines).contains(&problem.line)));
        }
    }
}
