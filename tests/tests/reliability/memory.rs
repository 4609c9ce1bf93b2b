//! What rollcall remembers is damaged, old or gone, while people come, go and are suspended. The next run says what it
//! found, finds everybody's user again, and gives nobody access back whose suspension it cannot account for.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use e2e::{Item, Picture, Reading, Setup, Story, World};
use sandbox::{Profile, Snapshot, Stage};
use serde_json::json;
use sync::{Outcome, Report, RunStatus};

use crate::PROGRAMS;
use crate::replay::{Replay, asked, tell};
use crate::witness::Witness;

const VARIABLE: &str = "ROLLCALL_DAMAGE";

/// Somebody of this first name, who works.
fn profile(name: &str) -> Profile {
    let email = format!("{}@northlight.example", name.to_lowercase());
    let private = format!("{}@mail.example", name.to_lowercase());
    Profile::new(name, "Souza")
        .work_email(Some(&email))
        .personal_email(Some(&private))
}

/// A company some of whose people changed since the backup, and some since the last run.
struct Company {
    world: World,
    backup: Snapshot,
    stays: String,
    /// Hired and given an account since the backup.
    joined: String,
    /// Suspended by us before the backup, and employed again since the last run.
    back: String,
    /// Suspended by us since the backup, and employed again since the last run.
    soon_back: String,
    /// Left since the last run.
    leaves: String,
    /// Suspended by an admin since the backup.
    by_hand: String,
    /// Hired since the last run.
    comes: String,
}

impl Company {
    async fn new() -> Self {
        let world = World::start(PROGRAMS, &Setup::new()).await;
        let hire = |name| world.hire(profile(name));
        let (stays, back, soon_back) = (hire("Stays"), hire("Back"), hire("Soonback"));
        let (leaves, by_hand) = (hire("Leaves"), hire("Byhand"));
        applied(&world.run_sync().await);
        let gone = Stage::Inactive(world.days_ago(3));
        world.change(&back, &profile("Back").stage(gone));
        applied(&world.run_sync().await);
        let backup = world.sandbox().snapshot(&world.folder().join("backup.db"));
        let backup = backup.expect("the backup is kept");

        let joined = world.hire(profile("Joined"));
        let gone = Stage::Inactive(world.days_ago(2));
        world.change(&soon_back, &profile("Soonback").stage(gone));
        applied(&world.run_sync().await);
        world.suspend_by_hand(&by_hand).await;
        world.settled().await;

        let comes = world.hire(profile("Comes"));
        let gone = Stage::Inactive(world.days_ago(2));
        world.change(&leaves, &profile("Leaves").stage(gone));
        world.change(&back, &profile("Back"));
        world.change(&soon_back, &profile("Soonback"));
        Self {
            world,
            backup,
            stays,
            joined,
            back,
            soon_back,
            leaves,
            by_hand,
            comes,
        }
    }

    /// One account and one mail each, and everybody stands where HR says, but for those whom nobody may let in.
    async fn check(&self, report: &Report, is_back: bool) {
        let Self {
            world,
            stays,
            joined,
            back,
            soon_back,
            leaves,
            by_hand,
            comes,
            ..
        } = self;
        applied(report);
        let state = if is_back { "ACTIVATED" } else { "SUSPENDED" };
        for (id, expected) in [
            (stays, "ACTIVATED"),
            (joined, "ACTIVATED"),
            (comes, "ACTIVATED"),
            (back, state),
            (soon_back, "SUSPENDED"),
            (leaves, "SUSPENDED"),
            (by_hand, "SUSPENDED"),
        ] {
            let user = world.user_of(id).await;
            assert_eq!(user["state"], expected, "{user:#}");
        }
        assert_eq!(world.jumpcloud().users().len(), 7);
        let mut invited = world.invitations();
        invited.sort();
        assert_eq!(invited.len(), 7, "{invited:?}");
        invited.dedup();
        assert_eq!(invited.len(), 7, "{invited:?}");
        // What a run cannot account for it says, and whose user it found again.
        let unaccounted = 2 + usize::from(!is_back);
        assert_eq!(report.warnings_of("suspended_elsewhere"), unaccounted);
        assert_eq!(report.warnings_of("adopted_by_identifier"), 1);
        world.settled().await;
    }
}

fn applied(report: &Report) {
    assert_eq!(report.status, RunStatus::Applied, "{report:?}");
}

#[tokio::test]
async fn table_restored_from_an_old_backup() {
    let company = Company::new().await;
    let world = &company.world;
    let restored = world.sandbox().restore_tables(&company.backup);
    restored.expect("the tables are old");
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&company.joined), Outcome::Adopted);
    assert_eq!(report.outcome_of(&company.back), Outcome::Reactivated);
    company.check(&report, true).await;
}

#[tokio::test]
async fn table_emptied() {
    let company = Company::new().await;
    company.world.table().empty().await;
    let report = company.world.run_sync().await;
    for id in [&company.stays, &company.joined, &company.by_hand] {
        assert_eq!(report.outcome_of(id), Outcome::Adopted);
    }
    assert_eq!(report.outcome_of(&company.leaves), Outcome::Suspended);
    company.check(&report, false).await;
}

#[tokio::test]
async fn link_to_a_user_who_was_deleted_makes_no_second_one_until_it_is_released() {
    let world = World::start(PROGRAMS, &Setup::new()).await;
    let stays = world.hire(profile("Stays"));
    let leaves = world.hire(profile("Leaves"));
    let deleted = world.hire(profile("Deleted"));
    applied(&world.run_sync().await);
    for id in [&leaves, &deleted] {
        let user = world.user_of(id).await;
        let user = user["_id"].as_str().expect("a user has an id");
        assert!(world.jumpcloud().delete(user));
    }
    let comes = world.hire(profile("Comes"));
    let gone = Stage::Inactive(world.days_ago(2));
    world.change(&leaves, &profile("Leaves").stage(gone));

    let report = world.run_sync().await;
    assert_eq!(report.code_of(&deleted), "user_deleted");
    assert_eq!(report.outcome_of(&comes), Outcome::Created);
    assert_eq!(world.jumpcloud().users().len(), 2);
    world.settled().await;

    let released = world.rollcall(&["release", &deleted]).await;
    assert_eq!(released.code, Some(0), "{released:?}");
    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&deleted), Outcome::Created);
    assert_eq!(world.state_of(&stays).await, "ACTIVATED");
    assert_eq!(world.jumpcloud().users().len(), 3);
    world.settled().await;
}

#[tokio::test]
async fn link_to_another_user_than_the_persons_is_made_good_by_the_identifier() {
    let world = World::start(PROGRAMS, &Setup::new()).await;
    let id = world.hire(profile("Stays"));
    applied(&world.run_sync().await);
    let table = world.table();
    let items = table.items().await;
    let link = items.iter().find(|item| item.pk == "LINK");
    let nobody = AttributeValue::S("66c0ffee0000000000000bad".to_owned());
    let link = link.expect("there is a link");
    table.set(link, "user_id", nobody).await;

    let report = world.run_sync().await;
    assert_eq!(report.outcome_of(&id), Outcome::Adopted);
    assert_eq!(world.state_of(&id).await, "ACTIVATED");
    assert_eq!(world.jumpcloud().users().len(), 1);
    assert_eq!(world.invitations().len(), 1);
    world.settled().await;
}

#[tokio::test]
async fn damaged_record_of_a_run_disturbs_no_other_run() {
    let world = World::start(PROGRAMS, &Setup::new()).await;
    world.hire(profile("Stays"));
    applied(&world.run_sync().await);
    let table = world.table();
    for item in table.items().await {
        if item.pk.starts_with("RUN") {
            for attribute in &item.attributes {
                table.damage(&item, attribute).await;
            }
        }
    }
    world.settled().await;
    let runs = world.rollcall(&["runs"]).await;
    assert_eq!(runs.code, Some(1), "{runs:?}");
    assert!(runs.stderr.contains("is damaged"), "{}", runs.stderr);
    assert!(runs.stderr.contains("remove it"), "{}", runs.stderr);
}

/// An item, and what happens to it.
struct Harm<'a> {
    item: &'a Item,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Damaged(&'a str),
    /// Text that is no JSON, where there should be some.
    Garbled(&'a str),
    Lost,
}

impl<'a> Harm<'a> {
    /// Everything that can happen to an item.
    fn of(item: &'a Item) -> impl Iterator<Item = Self> {
        let damaged = item.attributes.iter().map(|name| Kind::Damaged(name));
        let garbled = item.attributes.iter().filter(|name| *name == "written");
        let garbled = garbled.map(|name| Kind::Garbled(name));
        let kinds = damaged.chain(garbled).chain([Kind::Lost]);
        kinds.map(move |kind| Self { item, kind })
    }

    fn name(&self) -> String {
        let Item { pk, sk, .. } = self.item;
        match self.kind {
            Kind::Damaged(attribute) => format!("{pk}/{sk}/{attribute}"),
            Kind::Garbled(attribute) => format!("{pk}/{sk}/{attribute}/garbled"),
            Kind::Lost => format!("{pk}/{sk}"),
        }
    }

    async fn happen(&self, world: &World) {
        let table = world.table();
        match self.kind {
            Kind::Damaged(attribute) => table.damage(self.item, attribute).await,
            Kind::Garbled(attribute) => {
                let garbage = AttributeValue::S("{".to_owned());
                table.set(self.item, attribute, garbage).await;
            }
            Kind::Lost => table.remove(self.item).await,
        }
    }
}

/// Every attribute of every item is damaged, and every item is lost, one at a time, before a run in which people join,
/// start, move and leave. A run that cannot go on names the item; once that is removed, as it says, all comes right.
#[tokio::test]
async fn any_damaged_or_lost_item_is_told_and_made_good() {
    let world = World::start(PROGRAMS, &Story::setup()).await;
    let story = Story::about(&[0, 2, 7, 9, 14, 20]);
    story.begin(world.sandbox());
    applied(&world.run_sync().await);
    let scim = world.scim();
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "ada.novak",
        "externalId": "external",
        "name": {"givenName": "Ada", "familyName": "Novak"},
        "emails": [{"value": "ada.novak@example.com", "type": "work", "primary": true}],
    });
    scim.post("/Users", user).await.expect(201);
    story.turn(world.sandbox());
    let eve = world.sandbox().snapshot(&world.folder().join("eve.db"));
    let eve = eve.expect("the eve is kept");
    let items = world.table().items().await;
    let before = world.jumpcloud().users();
    applied(&world.run_sync().await);
    let expected = Picture::of(world.sandbox(), world.state()).await.outside();
    let witness = Witness::new(world.sandbox(), before);

    let asked = asked(VARIABLE);
    let (mut told, mut silent) = (BTreeSet::new(), 0);
    let mut failures = Vec::new();
    for harm in items.iter().flat_map(Harm::of) {
        let name = harm.name();
        if asked.as_ref().is_some_and(|asked| *asked != name) {
            continue;
        }
        let _replay = Replay::of(VARIABLE, &name);
        world.sandbox().restore(&eve).expect("it is the eve again");
        harm.happen(&world).await;
        match outlive(&world, &harm, &witness, &expected).await {
            Ok(true) => {
                told.insert(name);
            }
            Ok(false) => silent += 1,
            Err(failure) => failures.push(format!("{VARIABLE}={name}: {failure}")),
        }
    }
    let count = told.len();
    tell(format!(
        "{silent} damages changed nothing; {count} were told and made good"
    ));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Whether the run told the damage, after which everything is as it should be.
async fn outlive(
    world: &World,
    harm: &Harm<'_>,
    witness: &Witness,
    expected: &Picture,
) -> Result<bool, String> {
    let report = world.run_sync().await;
    witness.check(world.sandbox())?;
    let is_told = report.status != RunStatus::Applied;
    if is_told {
        let Item { pk, sk, .. } = harm.item;
        let text = format!("{:?} {:?}", report.error, report.people);
        if !text.contains(pk) && !text.contains(sk) || !text.contains("remove it") {
            return Err(format!("nobody is told what to do: {text}"));
        }
        world.table().remove(harm.item).await;
        let report = world.run_sync().await;
        witness.check(world.sandbox())?;
        if report.status != RunStatus::Applied {
            return Err(format!("the item was removed: {report:?}"));
        }
    }
    let picture = Picture::of(world.sandbox(), world.state()).await.outside();
    match picture.difference(expected).as_str() {
        "" => {
            world.settled().await;
            Ok(is_told)
        }
        difference => Err(difference.to_owned()),
    }
}
