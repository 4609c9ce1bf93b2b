//! Parts of lists against what a naive reader would take.

use mapping::scim::DirectoryUser;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::schema::USER;

fn known(number: usize) -> Known {
    let user = DirectoryUser {
        id: id(number),
        ..DirectoryUser::default()
    };
    Known { user, record: None }
}

fn id(number: usize) -> SystemUserId {
    format!("{number:04}").as_str().into()
}

fn titled(title: u8) -> Resource {
    let resource = json!({ "title": format!("{title:03}") });
    resource.as_object().cloned().unwrap()
}

fn by_title(descending: bool) -> Sort {
    let by = USER.find("title").unwrap();
    Sort { by, descending }
}

fn slice(offset: usize, count: usize) -> Slice {
    Slice {
        start: Position {
            offset,
            after: None,
        },
        count,
        by_cursor: false,
    }
}

/// The part of users with these titles, as their numbers.
fn part(titles: &[u8], slice: &Slice, sort: Option<Sort>) -> (Vec<usize>, Part<Known>) {
    let mut window = Window::new(slice, sort);
    for (number, title) in titles.iter().enumerate() {
        window.take(known(number), titled(*title));
    }
    let part = window.finish();
    let numbers = part
        .rows
        .iter()
        .map(|row| row.user.id.as_str().parse().unwrap());
    (numbers.collect(), part)
}

proptest! {
    #[test]
    fn a_part_is_what_a_naive_reader_takes(
        titles in prop::collection::vec(any::<u8>(), 0..1500),
        offset in 0..1600_usize,
        count in 0..200_usize,
        descending in any::<Option<bool>>(),
    ) {
        let mut all: Vec<usize> = (0..titles.len()).collect();
        match descending {
            Some(false) => all.sort_by_key(|number| titles[*number]),
            Some(true) => all.sort_by_key(|number| std::cmp::Reverse(titles[*number])),
            None => {}
        }
        let expected: Vec<usize> = all.iter().copied().skip(offset).take(count).collect();
        let (numbers, part) = part(&titles, &slice(offset, count), descending.map(by_title));
        prop_assert_eq!(&numbers, &expected);
        prop_assert_eq!(part.total, titles.len() as u64);
        let goes_on = count > 0 && offset + count < titles.len();
        prop_assert_eq!(part.next.is_some(), goes_on);
    }

    #[test]
    fn positions_are_read_as_they_were_written(offset in any::<usize>(), id in prop::option::of("[0-9a-f]{24}")) {
        let position = Position { offset, after: id.map(|id| id.as_str().into()) };
        prop_assert_eq!(Position::parse(&position.to_string()), Some(position));
    }

    #[test]
    fn a_forged_position_is_refused_or_read(text in ".{0,30}") {
        let _ = Position::parse(&text);
    }
}

#[test]
fn what_follows_a_user_is_found_though_those_before_came_and_went() {
    let mut slice = slice(50, 2);
    slice.start.after = Some(id(3));
    let (numbers, part) = part(&[0; 8], &slice, None);
    assert_eq!(numbers, [4, 5]);
    assert_eq!(part.next.unwrap().after, Some(id(5)));
}
