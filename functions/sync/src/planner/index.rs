//! Finds one of many by a text key. Spread by a hash of the key, so that 100,000 of them are found without touching
//! each other's text.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Things by their keys; of several with one key, the first.
pub(super) struct Index<'a, T> {
    /// A power of two of places, at most half of them taken. A thing stands in the first free one from where its
    /// hash points, beside that hash.
    places: Vec<Option<(u64, &'a T)>>,
}

impl<'a, T> Index<'a, T> {
    /// Indexes things by the keys given with them.
    pub(super) fn new<K: Hash>(keyed: impl Iterator<Item = (K, &'a T)>) -> Self {
        let hashed: Vec<(u64, &'a T)> = keyed.map(|(key, thing)| (hash(key), thing)).collect();
        let mut places = vec![None; (2 * hashed.len()).next_power_of_two()];
        for (hash, thing) in hashed {
            let first = first_place(hash, places.len());
            let (before, from) = places.split_at_mut(first);
            let mut free = from
                .iter_mut()
                .chain(before)
                .filter(|place| place.is_none());
            if let Some(place) = free.next() {
                *place = Some((hash, thing));
            }
        }
        Self { places }
    }

    /// The thing with this key; `is` tells it from others whose keys have the same hash.
    pub(super) fn get<K: Hash>(&self, key: K, is: impl Fn(&'a T) -> bool) -> Option<&'a T> {
        self.all(key, is).next()
    }

    /// The thing with this key, if no other has it too.
    pub(super) fn only<K: Hash>(&self, key: K, is: impl Fn(&'a T) -> bool) -> Option<&'a T> {
        let mut all = self.all(key, is);
        all.next().filter(|_| all.next().is_none())
    }

    fn all<K: Hash>(&self, key: K, is: impl Fn(&'a T) -> bool) -> impl Iterator<Item = &'a T> {
        let wanted = hash(key);
        let (before, from) = self.places.split_at(first_place(wanted, self.places.len()));
        let near = from.iter().chain(before).map_while(|place| *place);
        near.filter(move |(hash, thing)| *hash == wanted && is(thing))
            .map(|(_, thing)| thing)
    }
}

/// Where the search for a hash begins among a power of two of places.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the low bits say the place; all of them are compared"
)]
fn first_place(hash: u64, places: usize) -> usize {
    hash as usize & (places - 1)
}

/// The same for the same key, in every run.
pub(super) fn hash<K: Hash>(key: K) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
