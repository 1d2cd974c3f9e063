//! Several streams hold the extents of one list, each in the list's order: which unit is which extent?
//!
//! Most units say so in their headers, but some lie (stale images) and some are silent (zeros). The longest
//! rising sequence of claims in each stream is believed; what lies between two believed neighbours is what
//! the list has there, where that is the only way to fill the gap. What stays open is not guessed.
//!
//! Backups can be striped and large, so numbers are kept narrow: about 30 bytes for each unit.

/// No rank.
pub const NONE: u32 = u32::MAX;

/// `claimed` is, for each unit of each stream, its claim: a rank in the list, or [`NONE`]. `starts` are the
/// ranks at which database files begin; only within a file is order certain. The answer is each unit's rank, if
/// it is sure.
pub fn align(claimed: Vec<Vec<u32>>, starts: &[u32], count: u32) -> Vec<Vec<u32>> {
    let mut placed: Vec<Vec<u32>> =
        claimed.into_iter().map(|claims| believed(&claims, starts, count)).collect();
    forget_twice_claimed(&mut placed, count);
    let mut is_free = vec![true; count as usize];
    for rank in ranks_of(&placed) {
        is_free[rank as usize] = false;
    }
    while fill_gaps(&mut placed, &mut is_free) {}
    if let [only] = &mut placed[..] {
        fill_rest(only, &is_free);
    }
    placed
}

fn ranks_of(placed: &[Vec<u32>]) -> impl Iterator<Item = u32> + '_ {
    placed.iter().flatten().copied().filter(|rank| *rank != NONE)
}

/// The longest rising sequence of claims, file by file.
fn believed(claims: &[u32], starts: &[u32], count: u32) -> Vec<u32> {
    let mut placed = vec![NONE; claims.len()];
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(count);
        let units: Vec<u32> =
            (0..claims.len() as u32).filter(|unit| (*start..end).contains(&claims[*unit as usize])).collect();
        for unit in longest_rising(&units, claims) {
            placed[unit as usize] = claims[unit as usize];
        }
    }
    placed
}

/// The units with the longest strictly rising sequence of claims, by patience sorting.
fn longest_rising(units: &[u32], claims: &[u32]) -> Vec<u32> {
    let claim = |index: u32| claims[units[index as usize] as usize];
    let mut ends: Vec<u32> = Vec::new();
    let mut before = vec![NONE; units.len()];
    for index in 0..units.len() as u32 {
        let length = ends.partition_point(|end| claim(*end) < claim(index));
        if length > 0 {
            before[index as usize] = ends[length - 1];
        }
        if length == ends.len() {
            ends.push(index);
        } else {
            ends[length] = index;
        }
    }
    let mut at = ends.last().copied().unwrap_or(NONE);
    let mut sequence = ends;
    sequence.clear();
    while at != NONE {
        sequence.push(units[at as usize]);
        at = before[at as usize];
    }
    sequence
}

fn forget_twice_claimed(placed: &mut [Vec<u32>], count: u32) {
    let mut claims = vec![0_u8; count as usize];
    for rank in ranks_of(placed) {
        claims[rank as usize] = claims[rank as usize].saturating_add(1);
    }
    for rank in placed.iter_mut().flatten() {
        if *rank != NONE && claims[*rank as usize] > 1 {
            *rank = NONE;
        }
    }
}

/// Units without a rank between two that have one: `units` of `stream`, which can be `ranks`.
struct Gap {
    stream: usize,
    units: std::ops::Range<usize>,
    ranks: std::ops::Range<u32>,
}

fn gaps(placed: &[Vec<u32>], count: u32) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for (stream, units) in placed.iter().enumerate() {
        let mut unit = 0;
        while unit < units.len() {
            if units[unit] != NONE {
                unit += 1;
                continue;
            }
            let end = (unit..units.len()).find(|at| units[*at] != NONE).unwrap_or(units.len());
            let low = unit.checked_sub(1).map_or(0, |before| units[before] + 1);
            let high = units.get(end).copied().unwrap_or(count);
            if low < high {
                gaps.push(Gap { stream, units: unit..end, ranks: low..high });
            }
            unit = end;
        }
    }
    gaps
}

/// Fills the gaps that can be filled in one way only; whether there was one.
fn fill_gaps(placed: &mut [Vec<u32>], is_free: &mut [bool]) -> bool {
    let gaps = gaps(placed, is_free.len() as u32);
    // How many gaps could take each rank.
    let mut takers = vec![0_i32; is_free.len() + 1];
    for gap in &gaps {
        takers[gap.ranks.start as usize] += 1;
        takers[gap.ranks.end as usize] -= 1;
    }
    let mut running = 0;
    for taker in &mut takers {
        running += *taker;
        *taker = running;
    }
    let mut filled = false;
    for gap in gaps {
        let range = gap.ranks.start as usize..gap.ranks.end as usize;
        let is_tight = range.len() == gap.units.len() && is_free[range.clone()].iter().all(|free| *free);
        let free: Vec<usize> =
            range.clone().filter(|rank| is_free[*rank]).take(gap.units.len() + 1).collect();
        let is_alone = free.len() == gap.units.len() && free.iter().all(|rank| takers[*rank] == 1);
        if is_tight || is_alone {
            for (unit, rank) in gap.units.zip(free) {
                placed[gap.stream][unit] = rank as u32;
                is_free[rank] = false;
            }
            filled = true;
        }
    }
    filled
}

/// With a single stream, as many silent units as free ranks can only be each other.
fn fill_rest(units: &mut [u32], is_free: &[bool]) {
    let free = is_free.iter().filter(|free| **free).count();
    if units.iter().filter(|rank| **rank == NONE).count() == free {
        let silent = units.iter_mut().filter(|rank| **rank == NONE);
        let free = is_free.iter().enumerate().filter(|(_, free)| **free);
        for (unit, (rank, _)) in silent.zip(free) {
            *unit = rank as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Below zero: silent.
    fn ranks(claims: &[i32]) -> Vec<u32> {
        claims.iter().map(|claim| u32::try_from(*claim).unwrap_or(NONE)).collect()
    }

    #[test]
    fn a_lie_between_true_claims_is_corrected() {
        let placed = align(vec![ranks(&[0, 1, 7, 3]), ranks(&[4, 5, -1, 7])], &[0], 8);
        assert_eq!(placed, [ranks(&[0, 1, 2, 3]), ranks(&[4, 5, 6, 7])]);
    }

    #[test]
    fn what_two_streams_could_hold_stays_open() {
        let placed = align(vec![ranks(&[0, -1, 3]), ranks(&[-1, 4])], &[0], 5);
        assert_eq!(placed, [ranks(&[0, -1, 3]), ranks(&[-1, 4])]);
    }

    #[test]
    fn a_second_file_may_come_in_between() {
        let placed = align(vec![ranks(&[0, 4, 1, 5, -1, 2, 3])], &[0, 4], 7);
        assert_eq!(placed, [ranks(&[0, 4, 1, 5, 6, 2, 3])]);
    }

    #[test]
    fn the_end_of_a_stream_is_told_by_what_is_left() {
        let placed = align(vec![ranks(&[0, 1, -1, -1]), ranks(&[2, 3])], &[0], 6);
        assert_eq!(placed, [ranks(&[0, 1, 4, 5]), ranks(&[2, 3])]);
    }

    #[test]
    fn nothing_at_all_is_fine() {
        assert_eq!(align(vec![ranks(&[]), ranks(&[-1])], &[], 0), [ranks(&[]), ranks(&[-1])]);
    }
}
