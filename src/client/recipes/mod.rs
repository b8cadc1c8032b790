//! Recipes: what a client does for its user with several requests, watches, and its session's life. Source: recipes reference.
//!
//! A recipe is a *script*, a function that reads as it would with a library that blocks ([`script`]). What it holds in the end outlives the
//! script: `holdings`. The rest of the client knows only that some calls are a recipe's, and tells it what comes of them.
//!
//! - `script`: asking, waiting, and how a script goes on from where it was. `asking`: the requests, with their retries.
//! - `protected`: a node whose name is known though the answer was lost. `names`: sequence numbers.
//! - `holdings`: locks and the like, from grant to release, over lost connections. `standing`: what outlives sessions too.
//! - `line`: standing in a line of sequential nodes, for all who do.
//! - `duties`: what has no end, from one session to the next.
//! - `exclusive`, `lock`, `rwlock`, `semaphore`, `election`, `latch`: one recipe each.
//! - `barrier`, `double_barrier`, `sync_queue`: what is waited for together; the latter two in `rounds`. `transaction`: what is decided together.
//! - `queue`: items that are passed on, in their order or by priority.
//! - `counter`, `id`, `settings`: one recipe each. `presence`, `roster`: groups and discovery, those who are there and those who look.
//!
//! The classic mistakes are switches (`recipe-…` in the catalogue of bugs), each at the line that one would get wrong.
//!
//! As with Curator, parents that are missing are made as containers.

mod asking;
mod barrier;
mod counter;
mod double_barrier;
mod duties;
mod election;
mod exclusive;
mod holdings;
mod id;
mod latch;
mod line;
mod lock;
mod names;
mod presence;
mod protected;
mod queue;
mod roster;
mod rounds;
mod rwlock;
mod script;
mod semaphore;
mod settings;
mod standing;
mod sync_queue;
mod transaction;

use crate::actor::Cx;
use crate::proto::{
    Answer, Caller, ErrorCode, EventType, KeeperState, Path, Recipe, RecipeCall, RecipeVerb, RoundEnd, SessionId, Timer, WatcherEvent, Zxid,
};
use crate::trace::Note;

use super::Client;
use duties::{Duty, Knowledge};
use holdings::Held;
use script::{Deed, Known, Memo, Run, Script, Stop};

/// All that a client is at.
#[derive(Clone, Debug, Default)]
pub struct Recipes {
    running: Vec<Running>,
    held: Vec<Held>,
    duties: Vec<Duty>,
    standing: Vec<RecipeCall>,
    /// Scripts so far.
    started: u32,
    /// What the user was told last of a recipe, and the number of the call.
    pub told: Option<(u64, String)>,
}

/// A script under way.
#[derive(Clone, Debug)]
struct Running {
    number: u32,
    /// Its user's call; a script that looks after a holding has none.
    call: Option<u64>,
    /// In which it was begun.
    handle: u32,
    task: Task,
    memo: Memo,
    /// The request that it waits for.
    asked: Option<u64>,
}

#[derive(Clone, Debug)]
enum Task {
    Carry(RecipeCall),
    /// The connection was gone: is what was held still held?
    Recheck(Held),
    /// One lap of what has no end.
    Lap(Duty),
    /// What was started and not closed is looked after.
    Stand(RecipeCall),
}

impl Recipes {
    pub fn is_idle(&self) -> bool {
        self.running.is_empty() && self.held.is_empty() && self.standing.is_empty() && self.duties.is_empty()
    }

    /// Whether something was started there and not closed.
    fn stands(&self, path: &Path) -> bool {
        self.standing.iter().any(|call| call.path == *path)
    }
}

/// The script of a recipe. What it returns is what its user is told.
fn carry_out(zk: &mut Script, call: &RecipeCall) -> Run<String> {
    match call.verb {
        RecipeVerb::ExclusiveAcquire => exclusive::acquire(zk, call),
        RecipeVerb::ExclusiveRelease => exclusive::release(zk, call),
        RecipeVerb::LockAcquire => lock::acquire(zk, call),
        RecipeVerb::LockRelease | RecipeVerb::RwLockRelease | RecipeVerb::SemaphoreRelease | RecipeVerb::ElectionLeave => line::release(zk, call),
        RecipeVerb::LockWrite | RecipeVerb::ElectionWrite => line::write(zk, call),
        RecipeVerb::LockAcquireRevocable => lock::acquire_revocable(zk, call),
        RecipeVerb::LockRevoke => lock::revoke(zk, call),
        RecipeVerb::LockBreak => lock::break_(zk, call),
        RecipeVerb::CounterAdd => counter::add(zk, call),
        RecipeVerb::CounterGet => counter::get(zk, call),
        RecipeVerb::IdNext => id::next(zk, call),
        RecipeVerb::SettingsSet => settings::set(zk, call),
        RecipeVerb::SettingsStop => duties::stop(zk, RecipeVerb::SettingsWatch, &call.path),
        RecipeVerb::GroupLeave => presence::leave(zk, call, RecipeVerb::GroupJoin),
        RecipeVerb::DiscoveryUnregister => presence::leave(zk, call, RecipeVerb::DiscoveryRegister),
        RecipeVerb::SettingsWatch | RecipeVerb::GroupWatch | RecipeVerb::DiscoveryWatch => duties::take_on(zk, call),
        RecipeVerb::GroupJoin | RecipeVerb::DiscoveryRegister => duties::take_on(zk, call),
        RecipeVerb::RwLockRead => rwlock::read(zk, call),
        RecipeVerb::RwLockWrite => rwlock::write(zk, call),
        RecipeVerb::SemaphoreAcquire => semaphore::acquire(zk, call),
        RecipeVerb::ElectionJoin => election::join(zk, call),
        RecipeVerb::ElectionLeader => election::leader(zk, call),
        RecipeVerb::LatchStart => latch::start(zk, call),
        RecipeVerb::LatchClose => latch::close(zk, call),
        RecipeVerb::BarrierSet => barrier::set(zk, call),
        RecipeVerb::BarrierLift => barrier::lift(zk, call),
        RecipeVerb::BarrierWait => barrier::wait(zk, call),
        RecipeVerb::DoubleBarrierEnter => double_barrier::enter(zk, call),
        RecipeVerb::DoubleBarrierLeave => double_barrier::leave(zk, call),
        RecipeVerb::SyncQueueJoin => sync_queue::join(zk, call),
        RecipeVerb::TransactionBegin => transaction::begin(zk, call),
        RecipeVerb::TransactionVote => transaction::vote(zk, call),
        RecipeVerb::TransactionDecide => transaction::decide(zk, call),
        RecipeVerb::QueuePut => queue::put(zk, call),
        RecipeVerb::PriorityPut => queue::put_by_priority(zk, call),
        RecipeVerb::QueueTake | RecipeVerb::PriorityTake => queue::take(zk, call),
    }
}

/// The script of what was started and not closed, on a connection.
fn look_after(zk: &mut Script, call: &RecipeCall) -> Run<()> {
    match call.verb {
        RecipeVerb::LockAcquireRevocable => lock::heed(zk, call),
        _ => latch::take_part(zk, call),
    }
}

/// Whether nobody knows what became of what failed so.
const fn is_loss(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::ConnectionLoss | ErrorCode::SessionExpired | ErrorCode::AuthFailed)
}

impl Client {
    /// The user asks for a recipe.
    #[cold]
    pub(super) fn begin_recipe(&mut self, cx: &mut Cx, call: u64, what: RecipeCall) {
        cx.note(Note::RecipeCalled { call, what: Box::new(what.clone()) });
        self.begin_script(cx, Some(call), Task::Carry(what));
    }

    fn begin_script(&mut self, cx: &mut Cx, call: Option<u64>, task: Task) {
        let number = self.recipes.started;
        self.recipes.started += 1;
        let memo = if let Task::Lap(_) = task { Memo::of_duty() } else { Memo::default() };
        self.recipes.running.push(Running { number, call, handle: self.handle, task, memo, asked: None });
        self.go_on(cx, number);
    }

    /// Runs a script as far as it comes.
    fn go_on(&mut self, cx: &mut Cx, number: u32) {
        let Some(at) = self.recipes.running.iter().position(|script| script.number == number) else { return };
        let session = self.session().unwrap_or(SessionId::NONE);
        let Running { call, task, memo, .. } = &mut self.recipes.running[at];
        let mut deeds = Vec::new();
        let mut known = None;
        let own = Known { held: &self.recipes.held, standing: &self.recipes.standing, duties: &self.recipes.duties, session };
        let mut script = Script::new(cx, memo, own, call.unwrap_or(u64::from(number)), &mut deeds);
        let outcome = match task {
            Task::Carry(what) => carry_out(&mut script, what),
            Task::Recheck(held) => holdings::recheck(&mut script, held).map(|()| String::new()),
            Task::Stand(what) => look_after(&mut script, what).map(|()| String::new()),
            Task::Lap(duty) => duties::lap(&mut script, duty).map(|learned: Knowledge| {
                known = Some(learned);
                String::new()
            }),
        };
        let call = *call;
        for deed in deeds {
            self.carry_deed(cx, number, deed);
        }
        if let Some(known) = known {
            return self.next_lap(cx, number, known);
        }
        let (result, end) = match outcome {
            Err(Stop::Waiting) => return,
            Ok(text) => (text, RoundEnd::Acked),
            Err(Stop::Refused(why)) => (why.into(), RoundEnd::Failed),
            Err(Stop::Failed(code)) => (code.to_string(), if is_loss(code) { RoundEnd::Unknown } else { RoundEnd::Failed }),
        };
        cx.disarm(Timer::Recipe(number));
        self.recipes.running.retain(|script| script.number != number);
        if let Some(call) = call {
            cx.note(Note::RecipeReturned { call, result: result.clone() });
            match Caller::of(call) {
                Caller::Workload(number) => self.on_line_carried(cx, number, call, end),
                _ => self.recipes.told = Some((call, result)),
            }
        }
    }

    /// A line of a workload's round has come to its end.
    fn on_line_carried(&mut self, cx: &mut Cx, number: u32, call: u64, end: RoundEnd) {
        if let Some(workload) = self.workloads.iter_mut().find(|workload| workload.number == number) {
            workload.on_recipe_returned(call, end);
        }
        self.drive(cx, number);
    }

    fn carry_deed(&mut self, cx: &mut Cx, number: u32, deed: Deed) {
        match deed {
            Deed::Ask(op) => {
                let call = self.calls.next(Caller::Recipe);
                self.recipes.running.iter_mut().filter(|script| script.number == number).for_each(|script| script.asked = Some(call));
                self.request(cx, call, op);
            }
            Deed::Tell(note) => cx.note(note),
            Deed::Arm(after) => cx.arm(Timer::Recipe(number), after),
            Deed::Hold(held) => self.hold(cx, held),
            Deed::Keep(place) => self.recipes.held.push(place),
            Deed::LetGo(node, why) => self.let_go(cx, &node, why),
            Deed::TakeOn(call) => self.take_on(cx, call),
            Deed::Know(known) => self.know(number, known),
            Deed::GiveUp(verb, path) => self.give_up_duty(verb, &path),
            Deed::Forget(node) => self.recipes.held.retain(|held| held.node != node),
            Deed::Stand(call) => self.stand(cx, call),
            Deed::StandDown(path) => self.stand_down(cx, &path),
        }
    }

    /// A request of a recipe has come to its end.
    #[cold]
    pub(super) fn on_recipe_answer(&mut self, cx: &mut Cx, call: u64, result: Result<Answer, ErrorCode>, zxid: Option<Zxid>) {
        let Some(script) = self.recipes.running.iter_mut().find(|script| script.asked == Some(call)) else { return };
        script.asked = None;
        script.memo.answered(result, zxid.unwrap_or(Zxid::ZERO));
        let number = script.number;
        self.go_on(cx, number);
    }

    /// Its user is told of an event; scripts that wait for it go on.
    #[cold]
    pub(super) fn on_recipe_event(&mut self, cx: &mut Cx, event: &WatcherEvent, handle: u32) {
        if event.kind == EventType::None {
            self.review_holdings(cx, event.state, handle);
            self.review_standing(cx, event.state);
        }
        // That a session is over is nothing to what was begun in the next one.
        let of_it = self.recipes.running.iter_mut().filter(|script| event.kind != EventType::None || script.handle <= handle);
        let waiting: Vec<u32> = of_it.filter_map(|script| script.memo.on_event(event).then_some(script.number)).collect();
        for number in waiting {
            self.go_on(cx, number);
        }
        if event.kind == EventType::None && event.state == KeeperState::SyncConnected {
            self.resume_duties(cx);
        }
    }

    /// The time that a script would wait is over. One that has been woken before, and asks for something, is not to ask for it again: it learns
    /// what time it is when it waits the next time.
    pub(super) fn on_recipe_timer(&mut self, cx: &mut Cx, number: u32) {
        if self.recipes.running.iter().any(|script| script.number == number && script.memo.is_waiting()) {
            self.go_on(cx, number);
        }
    }

    /// What the client holds of a recipe, the oldest first.
    fn holding<'a>(held: &'a [Held], recipe: Recipe, path: &Path) -> Option<&'a Held> {
        held.iter().find(|held| held.recipe == recipe && held.path == *path)
    }
}
