//! Recording a program: what the recorder needs to know, and what it leaves.

pub mod unwind;
