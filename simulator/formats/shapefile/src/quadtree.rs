//! `.qix`: the spatial index of MapServer and GDAL, a quadtree over the boxes of the shapes.
//!
//! A node's quarters overlap by a tenth, so that small shapes on a border need not stay above it. A shape is in
//! the deepest node that holds it whole; empty nodes are not written.

use std::io::{self, Write};

use crate::shp::Bounds;

/// Part of a side that each half takes.
const SPLIT: f64 = 0.55;
/// Shapes a leaf should have, roughly.
const SHAPES_A_LEAF: usize = 8;
/// Deepest level: four to the eleventh leaves are more than a shapefile can fill.
const DEEPEST: u32 = 12;

/// Boxes while they gather.
#[derive(Debug, Default)]
pub struct Quadtree {
    boxes: Vec<(u32, Bounds)>,
}

struct Node {
    bounds: Bounds,
    shapes: Vec<u32>,
    quarters: Option<[usize; 4]>,
}

impl Quadtree {
    pub fn add(&mut self, record: u32, bounds: Bounds) {
        self.boxes.push((record, bounds));
    }

    pub fn len(&self) -> usize {
        self.boxes.len()
    }

    /// Builds the tree and writes it, little-endian.
    pub fn write(self, mut sink: impl Write) -> io::Result<()> {
        let mut bounds = Bounds::NONE;
        self.boxes.iter().for_each(|(_, shape)| bounds.add(shape));
        if self.boxes.is_empty() {
            bounds = Bounds { least: [0.0; 2], most: [0.0; 2] };
        }
        let depth = depth(self.boxes.len());
        let mut nodes = vec![Node { bounds, shapes: Vec::new(), quarters: None }];
        for (record, shape) in &self.boxes {
            insert(&mut nodes, *record, shape, depth);
        }
        sink.write_all(b"SQT\x01\x01\0\0\0")?;
        sink.write_all(&(self.boxes.len() as u32).to_le_bytes())?;
        sink.write_all(&depth.to_le_bytes())?;
        let mut sizes = vec![0; nodes.len()];
        size(&nodes, 0, &mut sizes);
        write(&nodes, 0, &sizes, &mut sink)?;
        sink.flush()
    }
}

/// Levels, so that leaves have about [`SHAPES_A_LEAF`] shapes.
fn depth(shapes: usize) -> u32 {
    let leaves = shapes.div_ceil(SHAPES_A_LEAF).max(1);
    (1 + leaves.ilog2().div_ceil(2)).min(DEEPEST)
}

fn insert(nodes: &mut Vec<Node>, record: u32, shape: &Bounds, depth: u32) {
    let mut at = 0;
    for _ in 1..depth {
        let quarters = quarters(&nodes[at].bounds);
        let Some(quarter) = quarters.iter().position(|quarter| holds(quarter, shape)) else { break };
        let first = nodes.len();
        let own = *nodes[at].quarters.get_or_insert([first, first + 1, first + 2, first + 3]);
        if own[0] == first {
            let node = |bounds| Node { bounds, shapes: Vec::new(), quarters: None };
            nodes.extend(quarters.map(node));
        }
        at = own[quarter];
    }
    nodes[at].shapes.push(record);
}

fn quarters(bounds: &Bounds) -> [Bounds; 4] {
    let [one, other] = halves(bounds);
    let ([a, b], [c, d]) = (halves(&one), halves(&other));
    [a, b, c, d]
}

/// Across the longer side.
fn halves(bounds: &Bounds) -> [Bounds; 2] {
    let side = |axis: usize| bounds.most[axis] - bounds.least[axis];
    let axis = if side(0) > side(1) { 0 } else { 1 };
    let (mut low, mut high) = (*bounds, *bounds);
    low.most[axis] = bounds.least[axis] + side(axis) * SPLIT;
    high.least[axis] = bounds.most[axis] - side(axis) * SPLIT;
    [low, high]
}

fn holds(outer: &Bounds, inner: &Bounds) -> bool {
    (0..2).all(|axis| inner.least[axis] >= outer.least[axis] && inner.most[axis] <= outer.most[axis])
}

/// Bytes of a node with all below it; zero for one that is not written. Recursion ends at [`DEEPEST`].
fn size(nodes: &[Node], at: usize, sizes: &mut [usize]) -> usize {
    let node = &nodes[at];
    let below: usize = node.quarters.iter().flatten().map(|quarter| size(nodes, *quarter, sizes)).sum();
    let written = at == 0 || below > 0 || !node.shapes.is_empty();
    // Length of what is below, box, count of shapes, shapes, count of quarters.
    let own = 4 + 32 + 4 + 4 * node.shapes.len() + 4;
    sizes[at] = if written { own + below } else { 0 };
    sizes[at]
}

fn write(nodes: &[Node], at: usize, sizes: &[usize], sink: &mut impl Write) -> io::Result<()> {
    let node = &nodes[at];
    let quarters: Vec<usize> =
        node.quarters.iter().flatten().copied().filter(|quarter| sizes[*quarter] > 0).collect();
    let below: usize = quarters.iter().map(|quarter| sizes[*quarter]).sum();
    sink.write_all(&(below as u32).to_le_bytes())?;
    for ordinate in node.bounds.least.iter().chain(&node.bounds.most) {
        sink.write_all(&ordinate.to_le_bytes())?;
    }
    sink.write_all(&(node.shapes.len() as u32).to_le_bytes())?;
    for record in &node.shapes {
        sink.write_all(&record.to_le_bytes())?;
    }
    sink.write_all(&(quarters.len() as u32).to_le_bytes())?;
    quarters.into_iter().try_for_each(|quarter| write(nodes, quarter, sizes, sink))
}
