//! Duties: recipes without an end. What a client has taken on it sees to until it is told to stop, over lost connections and sessions.
//!
//! A duty is done in laps: a look at how things are, what follows from that, and a wait for a change. Each lap is a script; what it has come to
//! know is handed to the next. A lap that ends with its session is begun again in the next session.

use super::script::{BACK, Run, Script, Stop};
use super::{Task, presence, roster, settings};
use crate::actor::Cx;
use crate::bugs::Bug;
use crate::client::Client;
use crate::proto::{ErrorCode, NOT_HELD, Path, RecipeCall, RecipeVerb, Zxid};
use crate::trace::Note;

/// Something that was taken on, and what is known by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    pub call: RecipeCall,
    pub known: Knowledge,
}

/// What an observer knows, and since which transaction it is so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Knowledge {
    pub zxid: Zxid,
    pub value: Option<String>,
}

impl Duty {
    fn is(&self, verb: RecipeVerb, path: &Path) -> bool {
        self.call.verb == verb && self.call.path == *path
    }
}

/// From now on the client sees to this.
pub fn take_on(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    zk.take_on(call);
    Ok("Ok".into())
}

/// The client sees to it no more.
pub fn stop(zk: &mut Script, verb: RecipeVerb, path: &Path) -> Run<String> {
    if zk.give_up(verb, path) { Ok("Ok".into()) } else { Err(Stop::Refused(NOT_HELD)) }
}

/// One look, and the wait for a change. Returns what is known then.
pub fn lap(zk: &mut Script, duty: &Duty) -> Run<Knowledge> {
    let Duty { call, known } = duty;
    match call.verb {
        RecipeVerb::SettingsWatch => settings::lap(zk, call, known),
        RecipeVerb::GroupJoin | RecipeVerb::DiscoveryRegister => presence::lap(zk, call, known),
        RecipeVerb::GroupWatch | RecipeVerb::DiscoveryWatch => roster::lap(zk, call, known),
        _ => Err(Stop::Failed(ErrorCode::Unimplemented)),
    }
}

/// What was read is told, unless it is known.
pub fn learn(zk: &mut Script, path: &Path, known: &Knowledge, zxid: Zxid, value: String) -> Knowledge {
    // Another server may lag behind the one of the session before, and show what was (reference §1).
    let is_older = zxid < known.zxid;
    // The mistake: what is read last is taken for the newest.
    if (is_older && !zk.has(Bug::RecipeTakesOlderValue)) || known.value.as_ref() == Some(&value) {
        return Knowledge { zxid: zxid.max(known.zxid), value: known.value.clone() };
    }
    zk.tell(|| Note::Learned { path: path.clone(), zxid, value: value.clone() });
    let known = Knowledge { zxid, value: Some(value) };
    zk.know(&known);
    known
}

/// Waits until one of these nodes has changed, or the client is back on a server.
pub fn wait_for_change(zk: &mut Script, node: &Path) -> Run<()> {
    zk.wait(&[node, &BACK.into()], None).map(|_| ())
}

impl Client {
    pub(super) fn take_on(&mut self, cx: &mut Cx, call: RecipeCall) {
        if !self.recipes.duties.iter().any(|duty| duty.is(call.verb, &call.path)) {
            let duty = Duty { call, known: Knowledge::default() };
            self.recipes.duties.push(duty.clone());
            self.begin_script(cx, None, Task::Lap(duty));
        }
    }

    pub(super) fn give_up_duty(&mut self, verb: RecipeVerb, path: &Path) {
        self.recipes.duties.retain(|duty| !duty.is(verb, path));
        self.recipes.running.retain(|script| !matches!(&script.task, Task::Lap(duty) if duty.is(verb, path)));
    }

    /// The client has a session: what it has taken on is seen to again.
    pub(super) fn resume_duties(&mut self, cx: &mut Cx) {
        for duty in self.recipes.duties.clone() {
            let is_seen_to = |task: &Task| matches!(task, Task::Lap(lap) if lap.is(duty.call.verb, &duty.call.path));
            if !self.recipes.running.iter().any(|script| is_seen_to(&script.task)) {
                self.begin_script(cx, None, Task::Lap(duty));
            }
        }
    }

    /// A lap is over; the next begins with what is known now. Events that came meanwhile are not forgotten.
    pub(super) fn next_lap(&mut self, cx: &mut Cx, number: u32, known: Knowledge) {
        let Some(script) = self.recipes.running.iter_mut().find(|script| script.number == number) else { return };
        let Task::Lap(lap) = &mut script.task else { return };
        lap.known = known.clone();
        script.memo.start_anew();
        self.know(number, known);
        self.go_on(cx, number);
    }

    /// What a lap has come to know stays known, also if it ends with its session.
    pub(super) fn know(&mut self, number: u32, known: Knowledge) {
        let Some(Task::Lap(lap)) = self.recipes.running.iter().find(|script| script.number == number).map(|script| &script.task) else { return };
        if let Some(duty) = self.recipes.duties.iter_mut().find(|duty| duty.is(lap.call.verb, &lap.call.path)) {
            duty.known = known;
        }
    }
}
