//! Scripted worlds for the tracker.
