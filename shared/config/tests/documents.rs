//! `docs/configuration.md` against the code: it has every key there is and no other, its defaults are the defaults, and its
//! examples are taken.

#![expect(
    clippy::panic,
    reason = "a helper of tests says what is wrong with the document"
)]

use std::collections::BTreeSet;

use config::Config;

const DOCUMENT: &str = include_str!("../../../docs/configuration.md");

/// A section by its title in the document: how a file has it, and the keys that it cannot do without.
type Section = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// The sections of a file. `{}` is the row of a table inside a section.
const SECTIONS: [Section; 11] = [
    (
        "`[jumpcloud]`",
        "[jumpcloud]\n{}",
        &[("api_key", "\"rollcall/jumpcloud\"")],
    ),
    ("`[username]`", "[username]\n{}", &[]),
    ("`[limits]`", "[limits]\n{}", &[]),
    (
        "`floor`, `percent`, `max`",
        "[limits.create]\n{}",
        &[("percent", "5")],
    ),
    ("`[protect]`", "[protect]\n{}", &[]),
    ("`[scim]`", "[scim]\n{}", &[]),
    (
        "`[[source]]`",
        "[[source]]\n{}",
        &[
            ("name", "\"deel\""),
            ("kind", "\"deel\""),
            ("api_key", "\"rollcall/deel\""),
        ],
    ),
    ("`include`, `exclude`", "[source.include]\n{}", &[]),
    (
        "`[source.attributes]`",
        "[source.attributes.\"attributes.hrTeam\"]\n{}",
        &[("from", "\"team\"")],
    ),
    (
        "`[[group]]`",
        "[[group]]\n{}",
        &[("name", "\"All\""), ("when", "{}")],
    ),
    ("`when`", "[[group]]\nname = \"All\"\n[group.when]\n{}", &[]),
];

/// What must stand in a file beside the section that is looked at.
const OTHERS: [(&str, &str); 2] = [
    ("[jumpcloud]", "api_key = \"rollcall/jumpcloud\""),
    (
        "[[source]]",
        "name = \"deel\"\nkind = \"deel\"\napi_key = \"rollcall/deel\"",
    ),
];

/// One key as the document has it.
#[derive(Debug)]
struct Row {
    key: &'static str,
    default: Option<&'static str>,
    example: &'static str,
}

/// The rows below the heading with this title.
fn rows(title: &str) -> Vec<Row> {
    let is_heading =
        |line: &&str| line.trim_start_matches('#').trim() == title && line.starts_with('#');
    let lines = DOCUMENT
        .lines()
        .skip_while(|line| !is_heading(line))
        .skip(1);
    let lines = lines.take_while(|line| !line.starts_with('#'));
    let code = |cell: &'static str| cell.trim().strip_prefix('`')?.strip_suffix('`');
    lines
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').collect();
            let [_, key, default, example, ..] = cells.as_slice() else {
                return None;
            };
            Some(Row {
                key: code(key)?,
                default: code(default),
                example: code(example).unwrap_or_else(|| panic!("{key} has no example")),
            })
        })
        .collect()
}

/// A file with these lines in a section, and what it cannot do without.
fn file(template: &str, needed: &[(&str, &str)], key: &str, line: &str) -> String {
    let heading = template.lines().next().unwrap_or_default();
    let mut lines: Vec<String> = needed
        .iter()
        .filter(|(other, _)| *other != key && !(*other == "from" && key == "template"))
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    lines.push(line.to_owned());
    let section = template.replace("{}", &lines.join("\n"));
    let others = OTHERS.iter().filter(|(other, _)| *other != heading);
    let others: Vec<String> = others
        .map(|(heading, lines)| format!("{heading}\n{lines}"))
        .collect();
    // What belongs to a source stands behind it.
    if heading.starts_with("[source.") {
        format!("{}\n{section}\n", others.join("\n"))
    } else {
        format!("{section}\n{}\n", others.join("\n"))
    }
}

fn parsed(text: &str) -> String {
    let mut config = Config::parse(text)
        .unwrap_or_else(|errors| panic!("{}\n{text}", errors.display("rollcall.toml")));
    config.digest.clear();
    format!("{config:#?}")
}

#[test]
fn every_key_is_documented_and_no_other() {
    for (title, template, needed) in SECTIONS {
        let documented: BTreeSet<&str> = rows(title).iter().map(|row| row.key).collect();
        // A key that is like no other is refused with all that there are.
        let text = file(template, needed, "", "zzzzzzzzzzzzzzzzzzzzzzzzzz = 1");
        let errors = Config::parse(&text).unwrap_err();
        let errors = errors.display("rollcall.toml").to_string();
        let (_, listed) = errors
            .split_once(": use ")
            .unwrap_or_else(|| panic!("{title}: {errors}"));
        let listed = listed.lines().next().unwrap_or_default();
        let known: BTreeSet<&str> = listed
            .split(", ")
            .map(|key| key.trim_matches('`'))
            .collect();
        assert_eq!(documented, known, "{title}");
    }
}

#[test]
fn documented_defaults_are_the_defaults() {
    for (title, template, needed) in SECTIONS {
        for Row { key, default, .. } in rows(title) {
            let Some(default) = default else { continue };
            let with = parsed(&file(template, needed, key, &format!("{key} = {default}")));
            let without = parsed(&file(template, needed, "", ""));
            assert_eq!(with, without, "{title} `{key}`");
        }
    }
}

#[test]
fn documented_examples_are_taken() {
    for (title, template, needed) in SECTIONS {
        for Row { key, example, .. } in rows(title) {
            parsed(&file(template, needed, key, &format!("{key} = {example}")));
        }
    }
}
