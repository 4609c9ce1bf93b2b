//! What JumpCloud is asked for, for which filter.

use super::*;
use crate::schema::USER;

const ID: &str = "66a1b2c30000000000000001";

#[track_caller]
fn check(text: &str, expected: &Source<'_>) {
    let filter = Filter::parse(text, &USER).unwrap().settled(&USER);
    let source = Source::of(&filter, &Memberships::default());
    assert_eq!(source, *expected, "{text}");
}

fn search(conditions: &[(&str, Condition)], any: bool) -> Source<'static> {
    Source::Search(UserQuery {
        conditions: conditions
            .iter()
            .map(|(field, condition)| ((*field).to_owned(), condition.clone()))
            .collect(),
        any,
        ..UserQuery::default()
    })
}

fn caseless(text: &str) -> Condition {
    Condition::EqualsIgnoringCase(text.to_owned())
}

fn exactly(text: &str) -> Condition {
    Condition::Equals(text.into())
}

#[test]
fn one_user_is_asked_for_where_one_can_fit() {
    let this = Source::These([ID.into()].into());
    check(&format!(r#"id eq "{ID}""#), &this);
    check(
        &format!(r#"title sw "a" and (active eq true and id eq "{ID}")"#),
        &this,
    );
    let nobody = Source::These(BTreeSet::new());
    check(r#"id eq "../systemusers""#, &nobody);
    check(r#"meta.resourceType eq "Group""#, &nobody);
    check(r#"externalId eq "E1""#, &Source::ExternalId("E1"));
    check(
        r#"userName eq "Ana@x.example""#,
        &Source::UserName("Ana@x.example"),
    );
}

#[test]
fn jumpcloud_searches_for_texts_in_any_case() {
    for (text, field) in [
        (r#"userName eq "Ana""#, "username"),
        (r#"name.givenName eq "Ana""#, "firstname"),
        (r#"name[givenName eq "Ana"]"#, "firstname"),
        (
            r#"displayName eq "Ana" and not (active eq true)"#,
            "displayname",
        ),
        (r#"department eq "Ana""#, "department"),
        (r#"locale eq "Ana""#, "location"),
        (r#"emails[type eq "Work" and value eq "Ana"]"#, "email"),
        (
            r#"emails[value eq "Ana" and type eq "home"]"#,
            "alternateEmail",
        ),
        (
            r#"meta.resourceType eq "User" and title eq "Ana""#,
            "jobTitle",
        ),
    ] {
        check(text, &search(&[(field, caseless("Ana"))], false));
    }
}

#[test]
fn conditions_add_up() {
    let both = [("jobTitle", caseless("A")), ("costCenter", caseless("B"))];
    check(
        r#"title eq "A" and emails eq "C" and costCenter eq "B""#,
        &search(&both, false),
    );
    let either = [
        ("email", caseless("a@b.example")),
        ("alternateEmail", caseless("a@b.example")),
    ];
    check(r#"emails.value eq "a@b.example""#, &search(&either, true));
    check(
        r#"emails eq "a@b.example" and title pr"#,
        &search(&either, true),
    );
    check(
        r#"employeeNumber eq "É7""#,
        &search(&[("employeeIdentifier", exactly("É7"))], false),
    );
}

#[test]
fn everybody_is_read_where_jumpcloud_might_leave_somebody_out() {
    for text in [
        // in other than ASCII letters, its case rules are not documented
        r#"title eq "Ingénieur""#,
        r#"title eq "a" or title eq "b""#,
        r#"not (title eq "a")"#,
        r#"title ne "a""#,
        r#"title sw "a""#,
        "title pr",
        "active eq true",
        r#"manager.value eq "66a1b2c30000000000000001""#,
        r#"phoneNumbers[type eq "work" and value eq "1"]"#,
        r#"emails[type eq "work" and value eq "a" and primary eq true]"#,
    ] {
        check(text, &search(&[], false));
    }
}

#[test]
fn members_of_a_small_group_are_read_one_by_one() {
    let filter = Filter::parse(r#"groups.value eq "g" and active eq true"#, &USER).unwrap();
    let of = |count: usize| {
        let ids: BTreeSet<SystemUserId> = (0..count)
            .map(|number| format!("{number:024}").as_str().into())
            .collect();
        (Memberships::of_group("g", ids.clone()), ids)
    };
    let (few, ids) = of(MOST_MEMBERS);
    assert_eq!(Source::of(&filter, &few), Source::These(ids));
    let (many, _) = of(MOST_MEMBERS + 1);
    assert_eq!(Source::of(&filter, &many), search(&[], false));
}
