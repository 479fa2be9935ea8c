//! Dependencies: from where they come, and under which licences. The lists are those of `deny.toml`.

use serde_json::Value;
use spdx::{Expression, LicenseReq};
use std::process::Command;

/// Every package that is linked anywhere in the workspace, as cargo knows it.
fn packages() -> Vec<Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--locked", "--manifest-path"]);
    let output =
        cargo.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")).output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    metadata["packages"].as_array().expect("packages").clone()
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
    let is_allowed = |requirement: &LicenseReq| allowed.contains(&requirement.to_string().as_str());
    let packages = packages();
    assert!(packages.len() > 100, "{}", packages.len());
    for package in packages {
        let text = package["license"].as_str().unwrap_or_default();
        let licence = Expression::parse_mode(text, spdx::ParseMode::LAX);
        let licence = licence.unwrap_or_else(|error| panic!("{}: {error}", package["name"]));
        assert!(licence.evaluate(is_allowed), "{} is under {text}", package["name"]);
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
