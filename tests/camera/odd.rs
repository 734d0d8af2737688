//! What cameras should not do, played by a scripted server.
