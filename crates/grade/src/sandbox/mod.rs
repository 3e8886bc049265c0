//! The box that a student's program runs in, and the compiler, too.
//!
//! Two layers, both made by this program starting itself once more, so that no unsafe code is
//! needed:
//!
//! * the **room** of a check ([`transcript::room`]): a network, process numbers and a folder that
//!   the check and the program share, and nobody else has;
//! * the **cell** in it ([`cell`]), in which the program is alone: a file tree with nothing but
//!   system libraries ([`tree`]), process numbers of its own, [`limits`], and no rights.
//!
//! How strong they are depends on the machine: [`tier`]. Where neither namespaces nor the rights of root
//! are to be had, the cell of a program that is trusted can have a [`fence`].

pub mod cell;
mod descendants;
pub mod fence;
pub mod limits;
pub mod rights;
pub mod tier;
pub mod tree;
pub mod trial;
