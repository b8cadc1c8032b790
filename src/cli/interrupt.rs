//! Ctrl-C ends the runs with what is known; a second one ends the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit code of a program that Ctrl-C ended, by the custom of shells.
const KILLED: i32 = 130;

/// Whether the runs should end. Clones are the same one.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// One that Ctrl-C raises.
    pub fn on_ctrl_c() -> Interrupt {
        let interrupt = Interrupt::default();
        let raised = interrupt.clone();
        // Without the handler Ctrl-C still ends the program, if less gracefully.
        let _ = ctrlc::set_handler(move || {
            if raised.is_raised() {
                std::process::exit(KILLED);
            }
            raised.raise();
        });
        interrupt
    }

    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
