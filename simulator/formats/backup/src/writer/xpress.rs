//! XPRESS with Huffman coding, [MS-XCA] section 2.1: from at most 64 KiB to a chunk.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::xpress::{CHUNK_BYTES, CODE_BITS, TABLE_BYTES};

/// Shortest match, which the codes count from.
const LEAST_MATCH: usize = 3;
/// Symbols: 256 bytes, then matches by length and distance.
const SYMBOLS: usize = 2 * TABLE_BYTES;
/// The code that ends a chunk; it is that of a match of three at distance one, which nothing follows.
const END: u16 = 256;
/// Positions with the same next bytes that are looked at: more gains little and costs time.
const MOST_CANDIDATES: usize = 16;
/// A match this long is taken without looking further.
const LONG_ENOUGH: usize = 256;
const HASH_BITS: u32 = 14;
const NONE: u16 = u16::MAX;

/// A byte as it is, or bytes as they stood before.
#[derive(Clone, Copy)]
enum Token {
    Literal(u8),
    Match { length: usize, distance: usize },
}

impl Token {
    fn symbol(self) -> u16 {
        match self {
            Token::Literal(byte) => u16::from(byte),
            Token::Match { length, distance } => {
                256 + (distance.ilog2() as u16) * 16 + (length - LEAST_MATCH).min(15) as u16
            }
        }
    }
}

/// Encodes at most [`CHUNK_BYTES`].
pub fn encode(input: &[u8]) -> Vec<u8> {
    debug_assert!(input.len() <= CHUNK_BYTES);
    let tokens = tokens(input);
    let mut counts = [0_u32; SYMBOLS];
    for symbol in tokens.iter().map(|token| token.symbol()).chain([END]) {
        counts[usize::from(symbol)] += 1;
    }
    let lengths = code_lengths(&counts);
    let codes = codes(&lengths);
    let mut bits = Bits::behind(lengths.chunks(2).map(|pair| pair[0] | pair[1] << 4).collect());
    let put = |bits: &mut Bits, symbol: u16| {
        bits.put(u32::from(codes[usize::from(symbol)]), u32::from(lengths[usize::from(symbol)]));
    };
    for token in tokens {
        put(&mut bits, token.symbol());
        if let Token::Match { length, distance } = token {
            bits.length(length - LEAST_MATCH);
            let extra = distance.ilog2();
            bits.put(distance as u32 - (1 << extra), extra);
        }
    }
    put(&mut bits, END);
    bits.finish()
}

/// Positions by the hash of their next three bytes: the latest, and for each the one before.
struct Chains {
    latest: Vec<u16>,
    before: Vec<u16>,
}

impl Chains {
    fn hash(input: &[u8], at: usize) -> Option<usize> {
        let bytes = input.get(at..at + LEAST_MATCH)?;
        let word = u32::from(bytes[0]) | u32::from(bytes[1]) << 8 | u32::from(bytes[2]) << 16;
        Some((word.wrapping_mul(0x9E37_79B1) >> (32 - HASH_BITS)) as usize)
    }

    fn add(&mut self, input: &[u8], at: usize) {
        if let Some(hash) = Chains::hash(input, at) {
            self.before[at] = self.latest[hash];
            self.latest[hash] = at as u16;
        }
    }

    /// The longest match for what begins at `at`, and its distance.
    fn longest(&self, input: &[u8], at: usize) -> Option<(usize, usize)> {
        let mut candidate = self.latest[Chains::hash(input, at)?];
        let mut best = None;
        let mut best_length = LEAST_MATCH - 1;
        for _ in 0..MOST_CANDIDATES {
            if candidate == NONE {
                break;
            }
            let from = usize::from(candidate);
            let is_longer = input.get(at + best_length) == input.get(from + best_length);
            if is_longer {
                let length = input[at..].iter().zip(&input[from..]).take_while(|(one, other)| one == other);
                let length = length.count();
                if length > best_length {
                    (best_length, best) = (length, Some((length, at - from)));
                    if length >= LONG_ENOUGH {
                        break;
                    }
                }
            }
            candidate = self.before[from];
        }
        best
    }
}

/// Greedy, but for a longer match one byte later.
fn tokens(input: &[u8]) -> Vec<Token> {
    let mut chains = Chains { latest: vec![NONE; 1 << HASH_BITS], before: vec![NONE; input.len()] };
    let mut tokens = Vec::with_capacity(input.len() / 4);
    let (mut at, mut found) = (0, None);
    while at < input.len() {
        let here = found.take().or_else(|| chains.longest(input, at));
        chains.add(input, at);
        let Some((length, distance)) = here else {
            tokens.push(Token::Literal(input[at]));
            at += 1;
            continue;
        };
        if length < LONG_ENOUGH / 8 {
            let next = chains.longest(input, at + 1);
            if next.is_some_and(|(next, _)| next > length) {
                tokens.push(Token::Literal(input[at]));
                at += 1;
                found = next;
                continue;
            }
        }
        tokens.push(Token::Match { length, distance });
        // Within a long run one position in four is enough to find it again.
        let step = if length > LONG_ENOUGH { 4 } else { 1 };
        (at + 1..at + length).step_by(step).for_each(|passed| chains.add(input, passed));
        at += length;
    }
    tokens
}

/// Huffman's code lengths, none above the longest allowed: where one is, rare symbols are counted as less rare.
fn code_lengths(counts: &[u32; SYMBOLS]) -> [u8; SYMBOLS] {
    let mut counts = *counts;
    loop {
        let lengths = huffman(&counts);
        if lengths.iter().all(|length| u32::from(*length) <= CODE_BITS) {
            return lengths;
        }
        counts.iter_mut().filter(|count| **count > 0).for_each(|count| *count = *count / 2 + 1);
    }
}

fn huffman(counts: &[u32; SYMBOLS]) -> [u8; SYMBOLS] {
    let mut parents: Vec<usize> = vec![usize::MAX; SYMBOLS];
    let mut heap: BinaryHeap<Reverse<(u32, usize)>> = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(symbol, count)| Reverse((*count, symbol)))
        .collect();
    while heap.len() > 1 {
        let (Some(Reverse(one)), Some(Reverse(other))) = (heap.pop(), heap.pop()) else { break };
        let parent = parents.len();
        parents.push(usize::MAX);
        (parents[one.1], parents[other.1]) = (parent, parent);
        heap.push(Reverse((one.0 + other.0, parent)));
    }
    let mut lengths = [0; SYMBOLS];
    for symbol in (0..SYMBOLS).filter(|symbol| counts[*symbol] > 0) {
        let mut at = symbol;
        while parents[at] != usize::MAX {
            at = parents[at];
            lengths[symbol] += 1;
        }
        // A symbol that is alone has a code nevertheless.
        lengths[symbol] = lengths[symbol].max(1);
    }
    lengths
}

/// Canonical codes: by length, then by symbol.
fn codes(lengths: &[u8; SYMBOLS]) -> [u16; SYMBOLS] {
    let mut codes = [0; SYMBOLS];
    let mut next = 0_u32;
    for length in 1..=CODE_BITS as u8 {
        for symbol in (0..SYMBOLS).filter(|symbol| lengths[*symbol] == length) {
            codes[symbol] = next as u16;
            next += 1;
        }
        next <<= 1;
    }
    codes
}

/// Bits go into 16-bit words, of which two places are kept ahead of whole bytes, as the decoder reads them.
struct Bits {
    output: Vec<u8>,
    word: u32,
    free: u32,
    places: [usize; 2],
}

impl Bits {
    fn behind(mut output: Vec<u8>) -> Bits {
        let at = output.len();
        output.extend([0; 4]);
        Bits { output, word: 0, free: 16, places: [at, at + 2] }
    }

    fn put(&mut self, value: u32, count: u32) {
        if count <= self.free {
            self.word = self.word << count | value;
            self.free -= count;
            return;
        }
        let late = count - self.free;
        let word = self.word << self.free | value >> late;
        self.store(word);
        let at = self.output.len();
        self.output.extend([0; 2]);
        self.places = [self.places[1], at];
        self.word = value & ((1 << late) - 1);
        self.free = 16 - late;
    }

    fn store(&mut self, word: u32) {
        let at = self.places[0];
        self.output[at..at + 2].copy_from_slice(&(word as u16).to_le_bytes());
    }

    /// What a length has beyond its symbol.
    fn length(&mut self, length: usize) {
        match length {
            0..15 => {}
            15..270 => self.output.push((length - 15) as u8),
            // A chunk's bytes are fewer than 16 bits count, beyond three.
            _ => {
                self.output.push(255);
                self.output.extend((length as u16).to_le_bytes());
            }
        }
    }

    fn finish(mut self) -> Vec<u8> {
        let word = self.word << self.free;
        self.store(word);
        self.output
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writer::Random;
    use crate::xpress::decode;

    fn check(input: &[u8]) -> usize {
        let encoded = encode(input);
        assert_eq!(decode(&encoded, input.len()).as_deref(), Some(input), "{} bytes", input.len());
        encoded.len()
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let mut random = Random::new(5);
        for length in [1, 2, 3, 4, 511, 512, 4096, CHUNK_BYTES] {
            assert!(check(&vec![7; length]) < 300, "a run of {length}");
            let mut noise = vec![0; length];
            random.fill(&mut noise);
            assert!(check(&noise) <= TABLE_BYTES + 8 + length + length / 100, "noise of {length}");
            let text: Vec<u8> = b"a council's parcels, ".iter().copied().cycle().take(length).collect();
            check(&text);
            // Few symbols, and matches of every length and distance.
            let mut mixed = Vec::new();
            while mixed.len() < length {
                let from = random.below(mixed.len().max(1) as u32) as usize;
                let count = random.below(600) as usize;
                let copy: Vec<u8> = mixed.iter().skip(from).take(count).copied().collect();
                mixed.extend(copy);
                mixed.push(random.below(5) as u8);
            }
            mixed.truncate(length);
            check(&mixed);
        }
    }

    /// Counts like Fibonacci's numbers make the deepest trees.
    #[test]
    fn no_code_is_longer_than_allowed() {
        let mut counts = [0; SYMBOLS];
        let (mut one, mut two) = (1, 1);
        for count in counts.iter_mut().take(32) {
            *count = one;
            (one, two) = (two, one + two);
        }
        let lengths = code_lengths(&counts);
        assert!(lengths.iter().all(|length| u32::from(*length) <= CODE_BITS));
        let sum: f64 =
            lengths.iter().filter(|length| **length > 0).map(|length| 0.5_f64.powi(i32::from(*length))).sum();
        assert!(sum <= 1.0, "{sum}");
    }
}
