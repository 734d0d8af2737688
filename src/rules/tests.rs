//! Scripted worlds for the rules.
