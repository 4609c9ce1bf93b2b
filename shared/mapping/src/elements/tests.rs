//! What becomes of phone numbers and addresses that HR and an admin both have a say in.

use super::*;

fn phones(list: &[&str]) -> Vec<PhoneNumber> {
    let phone = |text: &&str| {
        let (kind, number) = text.split_once(' ').unwrap();
        PhoneNumber {
            kind: kind.into(),
            number: number.into(),
        }
    };
    list.iter().map(phone).collect()
}

fn texts(phones: &[PhoneNumber]) -> Vec<String> {
    let text = |phone: &PhoneNumber| format!("{} {}", phone.kind, phone.number);
    phones.iter().map(text).collect()
}

#[test]
fn numbers_of_other_kinds_are_never_lost() {
    use Blank::{Clear, Keep};
    for (hr, held, blank, expected) in [
        // Nothing to do: `None`.
        (&["work 1"][..], &["work 1"][..], Keep, None),
        (&["work 1"], &["work 1"], Clear, None),
        (&["work 1"], &["work_fax 2", "work 1"], Clear, None),
        (&["work 1"], &["work 1", "work 2"], Clear, None),
        (&[], &[], Clear, None),
        (&[], &["work 1", "work_fax 2"], Keep, None),
        (&[], &["work_fax 2"], Clear, None),
        (&["work 1"], &["work 1", "mobile 3"], Keep, None),
        // HR has another number, or one more.
        (&["work 1"], &[], Keep, Some(&["work 1"][..])),
        (
            &["work 1"],
            &["work 9", "work_fax 2"],
            Keep,
            Some(&["work 1", "work_fax 2"]),
        ),
        (
            &["work 1", "mobile 3"],
            &["home 2", "work 1"],
            Keep,
            Some(&["work 1", "mobile 3", "home 2"]),
        ),
        // HR has one no more.
        (
            &["work 1"],
            &["work 1", "mobile 3"],
            Clear,
            Some(&["work 1"]),
        ),
        (
            &[],
            &["work 1", "work_fax 2", "mobile 3"],
            Clear,
            Some(&["work_fax 2"]),
        ),
        (&[], &["work 1"], Clear, Some(&[])),
    ] {
        let (hr, held) = (phones(hr), phones(held));
        assert_eq!(
            is_held(&hr, &held, blank),
            expected.is_none(),
            "{hr:?} {held:?} {blank:?}"
        );
        let after = merged(&hr, &held, blank);
        if let Some(expected) = expected {
            assert_eq!(texts(&after), expected, "{held:?} {blank:?}");
        }
        assert!(is_held(&hr, &after, blank), "{hr:?} {held:?} {blank:?}");
    }
}

#[test]
fn how_a_number_is_written_does_not_count() {
    let is_same = |left: &str, right: &str| {
        let of = |number: &str| phones(&[&format!("work {number}")]);
        is_held(&of(left), &of(right), Blank::Keep)
    };
    for other in [
        "+351 21 000 00 00",
        "+351-210-000-000",
        "(351) 210.000.000",
        "351210000000",
    ] {
        assert!(is_same("+351210000000", other), "{other}");
    }
    assert!(!is_same("+351210000000", "+351210000001"));
    assert!(!is_same("+1555 ext 1", "+15551"));
    let mobile = phones(&["mobile 1"]);
    assert!(
        !is_held(&phones(&["work 1"]), &mobile, Blank::Keep),
        "a number of another kind"
    );
}

#[test]
fn only_what_hr_decides_about_makes_it_full() {
    assert!(holds_none(&phones(&["work_fax 1", "home 2"])));
    assert!(!holds_none(&phones(&["work_fax 1", "mobile 2"])));
}
