//! Finds one of many by a text key. Sorted by a hash of the key, so that 100,000 of them are found without touching
//! each other's text.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Things by their keys; of several with one key, the first.
pub(super) struct Index<'a, T> {
    sorted: Vec<(u64, &'a T)>,
}

impl<'a, T> Index<'a, T> {
    /// Indexes things by the keys given with them.
    pub(super) fn new<K: Hash>(keyed: impl Iterator<Item = (K, &'a T)>) -> Self {
        let mut sorted: Vec<(u64, &'a T)> = keyed.map(|(key, thing)| (hash(key), thing)).collect();
        sorted.sort_by_key(|(hash, _)| *hash);
        Self { sorted }
    }

    /// The thing with this key; `is` tells it from others whose keys have the same hash.
    pub(super) fn get<K: Hash>(&self, key: K, is: impl Fn(&T) -> bool) -> Option<&'a T> {
        let wanted = hash(key);
        let first = self.sorted.partition_point(|(hash, _)| *hash < wanted);
        let same = self.sorted.iter().skip(first);
        let mut same = same.take_while(|(hash, _)| *hash == wanted);
        same.find_map(|(_, thing)| is(thing).then_some(*thing))
    }
}

/// The same for the same key, in every run.
pub(super) fn hash<K: Hash>(key: K) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
