use proptest::prelude::*;

use super::*;

fn ids(names: &str) -> BTreeSet<SystemUserId> {
    names.split_whitespace().map(SystemUserId::from).collect()
}

fn names(names: &str) -> Vec<String> {
    names.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn changes_one_after_the_other_become_single_steps() {
    use MemberChange::{Add, Remove, RemoveAll, ReplaceAll};
    // Changes, who is a member, who is added, who is removed.
    let table = [
        (vec![], "a b", "", ""),
        (vec![Add(names("b c"))], "a b", "c", ""),
        (vec![Remove(names("b c"))], "a b", "", "b"),
        (vec![RemoveAll], "a b", "", "a b"),
        (vec![ReplaceAll(names("b c"))], "a b", "c", "a"),
        (vec![Add(names("c")), Remove(names("c"))], "a b", "", ""),
        (vec![Remove(names("a")), Add(names("a"))], "a b", "", ""),
        (vec![RemoveAll, Add(names("b"))], "a b", "", "a"),
        (vec![Add(names("c")), RemoveAll], "a", "", "a"),
        (
            vec![ReplaceAll(names("b c")), Remove(names("c"))],
            "a b",
            "",
            "a",
        ),
    ];
    for (changes, present, add, remove) in table {
        let steps = Membership::after(&changes).steps_from(&ids(present));
        let expected = Steps {
            add: ids(add),
            remove: ids(remove),
        };
        assert_eq!(steps, expected, "{changes:?} of {present}");
    }
}

#[test]
fn a_resource_without_members_has_nobody() {
    assert_eq!(Membership::exactly(&Resource::new()), Membership::only([]));
}

fn change() -> impl Strategy<Value = MemberChange> {
    let few = || prop::collection::vec("[a-e]", 0..4);
    prop_oneof![
        few().prop_map(MemberChange::Add),
        few().prop_map(MemberChange::Remove),
        Just(MemberChange::RemoveAll),
        few().prop_map(MemberChange::ReplaceAll),
    ]
}

proptest! {
    #[test]
    fn steps_lead_where_the_changes_lead(
        changes in prop::collection::vec(change(), 0..6),
        present in prop::collection::btree_set("[a-e]", 0..5),
    ) {
        let mut expected = present.clone();
        for change in &changes {
            match change {
                MemberChange::Add(ids) => expected.extend(ids.iter().cloned()),
                MemberChange::Remove(ids) => expected.retain(|id| !ids.contains(id)),
                MemberChange::RemoveAll => expected.clear(),
                MemberChange::ReplaceAll(ids) => expected = ids.iter().cloned().collect(),
                MemberChange::Alter(_) => {}
            }
        }
        let to_ids = |ids: BTreeSet<String>| -> BTreeSet<SystemUserId> {
            ids.iter().map(|id| SystemUserId::from(id.as_str())).collect()
        };
        let (present, expected) = (to_ids(present), to_ids(expected));
        let steps = Membership::after(&changes).steps_from(&present);
        prop_assert!(steps.add.is_disjoint(&present));
        prop_assert!(steps.remove.is_subset(&present));
        let after = present.union(&steps.add).filter(|id| !steps.remove.contains(*id));
        prop_assert_eq!(after.cloned().collect::<BTreeSet<_>>(), expected);
    }
}
