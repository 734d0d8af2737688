//! What neighbouring stations say, passed on to who knows what to do with it.
//!
//! Owns the one task that hears it. A receipt goes to the link that waits for it; what nobody knows is told (WARN) and void. A message is acknowledged once
//! it was passed on: a receipt that is lost by a kill is made again by the repeat.

use tokio::sync::mpsc;

use crate::{
    mqtt::ear::{Heard, Matter},
    neighbour::Links,
};

/// Hears until the connection to the broker is over.
pub(super) async fn hear(links: Links, mut heard: mpsc::Receiver<Heard>) {
    while let Some(Heard { matter, letter, ack }) = heard.recv().await {
        if let Matter::FromNeighbour { neighbour, rest } = &matter
            && !links.hear(neighbour, rest, &letter.payload).await
        {
            tracing::warn!(%neighbour, topic = %letter.topic.escape_debug(), "a neighbour says something that is not understood");
        }
        ack.give();
    }
}
