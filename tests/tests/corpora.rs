//! Everything that was kept of what the fuzzing engine tried, once more: what a parser was given, it must read or refuse.

#[path = "../../fuzz/parsers.rs"]
mod parsers;

use std::fs;
use std::path::Path;

use parsers::PARSERS;

/// The corpora of all parsers, a folder each.
fn corpora() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}

#[test]
fn whatever_was_kept_is_read_or_refused() {
    for (name, parser) in PARSERS {
        let inputs = fs::read_dir(corpora().join(name)).unwrap();
        let inputs: Vec<Vec<u8>> = inputs
            .map(|input| fs::read(input.unwrap().path()).unwrap())
            .collect();
        assert!(!inputs.is_empty(), "{name}");
        for input in &inputs {
            parser(input);
            // What is cut off is refused as well as anything.
            parser(&input[..input.len() / 2]);
        }
    }
}

#[test]
fn every_parser_has_a_target_and_every_corpus_a_parser() {
    let mut kept: Vec<String> = fs::read_dir(corpora())
        .unwrap()
        .map(|folder| folder.unwrap().file_name().into_string().unwrap())
        .collect();
    kept.sort_unstable();
    let mut names = PARSERS.map(|(name, _)| name);
    names.sort_unstable();
    assert_eq!(kept, names);
    let manifest = fs::read_to_string(corpora().join("../Cargo.toml")).unwrap();
    for name in names {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        assert!(
            corpora().join(format!("../targets/{name}.rs")).exists(),
            "{name}"
        );
    }
}
