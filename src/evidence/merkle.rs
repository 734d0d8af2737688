//! A Merkle tree over the sums of fragments, as RFC 6962, section 2.1 has it.
//!
//! A leaf is the SHA-256 of a fragment. Leaves and nodes are hashed with different first bytes, so that neither can pass for the other.
//! Pure. With [`proof`] one fragment can be shown to belong to a signed manifest without showing the others.

use sha2::{Digest, Sha256};

use super::seal::Sum;

/// The root over `leaves`, in their order; of none, the SHA-256 of nothing.
pub fn root(leaves: &[Sum]) -> Sum {
    match leaves {
        [] => Sum::of(&[]),
        [leaf] => hash_leaf(leaf),
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            hash_node(&root(left), &root(right))
        }
    }
}

/// What shows that the leaf with number `index` (from 0) is below the root: the sums beside its way, the lowest first. `None`: there
/// is no such leaf.
pub fn proof(leaves: &[Sum], index: usize) -> Option<Vec<Sum>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut rest, mut index, mut beside) = (leaves, index, Vec::new());
    while rest.len() > 1 {
        let at = split(rest.len());
        let (left, right) = rest.split_at(at);
        if index < at {
            beside.push(root(right));
            rest = left;
        } else {
            beside.push(root(left));
            rest = right;
            index -= at;
        }
    }
    beside.reverse();
    Some(beside)
}

/// Whether `leaf` is number `index` of `count` leaves below `root`, by `proof`.
pub fn proves(root: &Sum, count: usize, index: usize, leaf: &Sum, proof: &[Sum]) -> bool {
    if index >= count {
        return false;
    }
    // The way down, as `proof` went it; then up again.
    let (mut rest, mut index, mut is_left) = (count, index, Vec::new());
    while rest > 1 {
        let at = split(rest);
        is_left.push(index < at);
        if index < at {
            rest = at;
        } else {
            rest -= at;
            index -= at;
        }
    }
    if proof.len() != is_left.len() {
        return false;
    }
    let way = is_left.iter().rev().zip(proof);
    let sum = way.fold(hash_leaf(leaf), |sum, (is_left, beside)| match is_left {
        true => hash_node(&sum, beside),
        false => hash_node(beside, &sum),
    });
    sum == *root
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: usize) -> usize {
    count.next_power_of_two() / 2
}

fn hash_leaf(leaf: &Sum) -> Sum {
    Sum(Sha256::new().chain_update([0]).chain_update(leaf.0).finalize().into())
}

fn hash_node(left: &Sum, right: &Sum) -> Sum {
    Sum(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaves(count: usize) -> Vec<Sum> {
        (0..count).map(|n| Sum::of(&n.to_be_bytes())).collect()
    }

    #[test]
    fn is_built_as_the_rfc_says() {
        let l = leaves(3);
        assert_eq!(root(&[]), Sum::of(b""));
        let leaf = Sum::of(&[&[0][..], &l[0].0].concat());
        assert_eq!(root(&l[..1]), leaf);
        let pair = |a: Sum, b: Sum| Sum::of(&[&[1][..], &a.0, &b.0].concat());
        let (a, b, c) = (root(&l[..1]), root(&l[1..2]), root(&l[2..]));
        assert_eq!(root(&l), pair(pair(a, b), c), "the left side is the full one");
    }

    #[test]
    fn a_node_is_no_leaf() {
        let l = leaves(2);
        assert_ne!(root(&[root(&l)]), root(&l));
    }

    proptest! {
        #[test]
        fn each_leaf_is_proven_and_no_other(count in 1usize..70, index in 0usize..70, other in 0usize..70) {
            let l = leaves(count);
            let root = root(&l);
            let Some(proof) = proof(&l, index) else {
                prop_assert!(index >= count);
                return Ok(());
            };
            prop_assert!(proves(&root, count, index, &l[index], &proof));
            prop_assert!(!proves(&root, count, index, &Sum::of(b"another"), &proof));
            if other != index && other < count {
                prop_assert!(!proves(&root, count, other, &l[index], &proof));
            }
            if let [short @ .., _] = &proof[..] {
                prop_assert!(!proves(&root, count, index, &l[index], short));
            }
        }

        #[test]
        fn any_change_changes_the_root(count in 2usize..70, a in 0usize..70, b in 0usize..70) {
            let l = leaves(count);
            let (a, b) = (a % count, b % count);
            let mut swapped = l.clone();
            swapped.swap(a, b);
            prop_assert_eq!(root(&swapped) == root(&l), a == b);
            prop_assert_ne!(root(&l[1..]), root(&l));
        }
    }
}
