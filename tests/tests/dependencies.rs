//! Dependencies: from where they come, and under which licences. The lists are those of `deny.toml`.

use serde_json::Value;
use spdx::{Expression, LicenseReq};
use std::process::Command;

/// The workspaces of the repository (what it gives, the fuzz targets, and the proof that no standard library is needed), and
/// more than how many packages each has.
const WORKSPACES: [(&str, usize); 3] =
    [("Cargo.toml", 100), ("fuzz/Cargo.toml", 10), ("tests/no_std/Cargo.toml", 10)];

/// A workspace, as cargo knows it.
fn metadata(manifest: &str) -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--locked", "--manifest-path"]);
    cargo.arg(format!("{}/../{manifest}", env!("CARGO_MANIFEST_DIR")));
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Every package that is linked anywhere.
fn packages() -> Vec<Value> {
    let of = |(manifest, least)| {
        let packages = metadata(manifest)["packages"].as_array().expect("packages").clone();
        assert!(packages.len() > least, "{manifest}: {}", packages.len());
        packages
    };
    WORKSPACES.into_iter().flat_map(of).collect()
}

fn rules() -> toml::Table {
    include_str!("../../deny.toml").parse().expect("TOML")
}

fn strings(value: &toml::Value) -> Vec<&str> {
    value.as_array().expect("a list").iter().map(|text| text.as_str().expect("a text")).collect()
}

#[test]
fn every_licence_is_allowed() {
    let rules = rules();
    let allowed = strings(&rules["licenses"]["allow"]);
    let exceptions = rules["licenses"]["exceptions"].as_array().expect("a list");
    let mut excepted = vec![];
    for package in packages() {
        let name = package["name"].as_str().expect("a name");
        let exception = exceptions.iter().find(|exception| exception["crate"].as_str() == Some(name));
        let also = exception.map_or(vec![], |exception| strings(&exception["allow"]));
        let is_allowed = |requirement: &LicenseReq| {
            let licence = requirement.to_string();
            allowed.contains(&&*licence) || also.contains(&&*licence)
        };
        let text = package["license"].as_str().unwrap_or_default();
        let licence = Expression::parse_mode(text, spdx::ParseMode::LAX);
        let licence = licence.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(licence.evaluate(is_allowed), "{name} is under {text}");
        excepted.extend(exception);
    }
    assert_eq!(excepted, exceptions.iter().collect::<Vec<_>>(), "each is of some use");
}

/// Fuzz targets, tests and benchmarks may link what programs of others must not.
#[test]
fn an_exception_is_for_nothing_that_is_published() {
    let rules = rules();
    let exceptions = rules["licenses"]["exceptions"].as_array().expect("a list");
    for package in metadata("Cargo.toml")["packages"].as_array().expect("packages") {
        let is_excepted =
            exceptions.iter().any(|exception| exception["crate"].as_str() == package["name"].as_str());
        assert!(!is_excepted, "{}", package["name"]);
    }
}

#[test]
fn every_package_comes_from_the_registry_or_from_here() {
    for package in packages() {
        let source = package["source"].as_str();
        let sound =
            source.is_none_or(|source| source == "registry+https://github.com/rust-lang/crates.io-index");
        assert!(sound, "{} comes from {source:?}", package["name"]);
    }
}

#[test]
fn none_is_banned() {
    let rules = rules();
    let banned = rules["bans"]["deny"].as_array().expect("a list");
    let banned: Vec<&str> = banned.iter().map(|entry| entry["name"].as_str().expect("a name")).collect();
    assert!(!banned.is_empty());
    for package in packages() {
        let name = package["name"].as_str().expect("a name");
        assert!(!banned.contains(&name), "{name}");
    }
}

/// `*` would be any version, of whoever has the name by then.
#[test]
fn every_dependency_of_ours_names_a_version_or_a_path() {
    let ours = packages().into_iter().filter(|package| package["source"].is_null());
    for package in ours {
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let is_wildcard = dependency["req"] == "*" && dependency["path"].is_null();
            assert!(!is_wildcard, "{} of {}", dependency["name"], package["name"]);
        }
    }
}
