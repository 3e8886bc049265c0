//! How strong the box can be on this machine.
