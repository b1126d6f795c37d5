//! The files of a compound, from the outside: good ones, bad ones, and the two that come with Wanglou.

mod demo;
mod files;
mod limits;
mod lint;
mod robust;
mod sheets;
mod support;
mod tables;
mod template;
