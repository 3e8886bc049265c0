//! Lines that belong together in two lists.

/// As many pairs as can be had in order: `fits(i, j)` says whether the line `i` of the first list
/// may be paired with the line `j` of the second one (the longest common subsequence).
pub fn best_pairs(
    first: usize,
    second: usize,
    fits: impl Fn(usize, usize) -> bool,
) -> Vec<(usize, usize)> {
    // most[i][j]: the number of pairs among the lines from i and from j on.
    let mut most = vec![vec![0; second + 1]; first + 1];
    for i in (0..first).rev() {
        for j in (0..second).rev() {
            most[i][j] = most[i + 1][j].max(most[i][j + 1]);
            if fits(i, j) {
                most[i][j] = most[i][j].max(1 + most[i + 1][j + 1]);
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut pairs = Vec::new();
    while i < first && j < second {
        if fits(i, j) && most[i][j] == 1 + most[i + 1][j + 1] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if most[i][j] == most[i + 1][j] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_keep_their_order_and_are_as_many_as_possible() {
        let (first, second) = (b"abcde", b"xbdcex");
        let pairs = best_pairs(first.len(), second.len(), |i, j| first[i] == second[j]);
        let paired: Vec<u8> = pairs.iter().map(|&(i, _)| first[i]).collect();
        assert_eq!(paired.len(), 3);
        assert!(paired.starts_with(b"b") && paired.ends_with(b"e"));
        assert!(best_pairs(0, 3, |_, _| true).is_empty());
    }
}
