//! The interactive line: reedline with our highlighting, completion, hints and history.

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use nu_ansi_term::{Color, Style};
use reedline::{
    ColumnarMenu, Completer, CompletionResult, EditCommand, Emacs, FileBackedHistory, Highlighter,
    Hinter, History, KeyCode, KeyModifiers, MenuBuilder, PromptEditMode, PromptHistorySearch,
    PromptHistorySearchStatus, Reedline, ReedlineEvent, ReedlineMenu, Signal, StyledText,
    Suggestion, ValidationResult, Validator, default_emacs_keybindings,
};

use super::{Next, Prompt, language};
use crate::commands::PromptContext;
use crate::failure::Failure;

/// Lines of history kept.
const HISTORY: usize = 5_000;
const MENU: &str = "completion_menu";

/// What the helpers of the editor look at; the prompt changes it, they read it.
type Shared = Arc<Mutex<PromptContext>>;

/// Reads and does lines until the person leaves.
pub fn interact(prompt: &mut Prompt<'_>, store: &Path) -> Result<(), Failure> {
    let shared: Shared = Arc::new(Mutex::new(prompt.context.clone()));
    let color = prompt.terminal.look.color;
    let mut editor = editor(&shared, store, color);
    prompt.terminal.note(greeting(prompt));
    loop {
        *shared.lock().unwrap_or_else(PoisonError::into_inner) = prompt.context.clone();
        prompt.terminal.flush()?;
        let line = Line {
            dataset: prompt.dataset.clone(),
        };
        match editor.read_line(&line) {
            Ok(Signal::Success(text)) => {
                if prompt.line(&text) == Next::Quit {
                    return Ok(());
                }
            }
            Ok(Signal::CtrlD) => return Ok(()),
            // Ctrl-C at the prompt gives up the line, as shells do.
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn greeting(prompt: &Prompt<'_>) -> String {
    let samples = crate::render::number::count(prompt.context.samples, "sample");
    match &prompt.dataset {
        Some(name) => format!(
            "{name}: {samples}. Ask something; `.help` helps, Tab completes, Ctrl-D leaves."
        ),
        None => {
            "`.datasets` lists the datasets, `.use NAME` chooses one, `.help` helps, Ctrl-D leaves."
                .to_owned()
        }
    }
}

fn editor(shared: &Shared, store: &Path, color: bool) -> Reedline {
    let mut keys = default_emacs_keybindings();
    keys.add_binding(
        KeyModifiers::NONE,
        KeyCode::Tab,
        ReedlineEvent::UntilFound(vec![
            ReedlineEvent::Menu(MENU.to_owned()),
            ReedlineEvent::MenuNext,
        ]),
    );
    keys.add_binding(
        KeyModifiers::SHIFT,
        KeyCode::BackTab,
        ReedlineEvent::MenuPrevious,
    );
    keys.add_binding(
        KeyModifiers::ALT,
        KeyCode::Enter,
        ReedlineEvent::Edit(vec![EditCommand::InsertNewline]),
    );
    let menu = ColumnarMenu::default()
        .with_name(MENU)
        .with_columns(4)
        .with_column_padding(2);
    let mut editor = Reedline::create()
        .with_completer(Box::new(Complete(Arc::clone(shared))))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_validator(Box::new(Validate))
        .with_highlighter(Box::new(Highlight))
        .with_hinter(Box::new(Hint {
            shared: Arc::clone(shared),
            rest: String::new(),
        }))
        .with_edit_mode(Box::new(Emacs::new(keys)))
        .with_ansi_colors(color);
    // A history that cannot be kept is no reason not to answer questions.
    if let Ok(history) = FileBackedHistory::with_file(HISTORY, store.join("history.txt")) {
        editor = editor.with_history(Box::new(history));
    }
    editor
}

struct Line {
    dataset: Option<String>,
}

impl reedline::Prompt for Line {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.dataset.as_deref().unwrap_or("messier"))
    }
    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }
    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("> ")
    }
    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("  ")
    }
    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let failing = if matches!(search.status, PromptHistorySearchStatus::Failing) {
            "no "
        } else {
            ""
        };
        Cow::Owned(format!("({failing}line with {}) ", search.term))
    }
}

struct Complete(Shared);

impl Completer for Complete {
    fn complete(&mut self, line: &str, pos: usize) -> CompletionResult {
        let context = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found: Vec<Suggestion> = language::complete(line, pos, &context)
            .into_iter()
            .map(|found| Suggestion {
                value: found.text,
                description: found.about,
                span: reedline::Span {
                    start: found.start,
                    end: found.end,
                },
                ..Suggestion::default()
            })
            .collect();
        CompletionResult::fresh(found)
    }
}

struct Validate;

impl Validator for Validate {
    fn validate(&self, line: &str) -> ValidationResult {
        if line.trim_start().starts_with('.') || language::is_complete(line) {
            ValidationResult::Complete
        } else {
            ValidationResult::Incomplete
        }
    }
}

struct Highlight;

impl Highlighter for Highlight {
    fn highlight(&self, line: &str, _: usize) -> StyledText {
        let mut styled = StyledText::new();
        for (text, part) in language::highlight(line) {
            styled.push((style(part), text.to_owned()));
        }
        styled
    }
}

fn style(part: Option<messier_query::Style>) -> Style {
    use messier_query::Style as Part;
    let plain = Style::new();
    match part {
        None | Some(Part::Punctuation | Part::Operator) => plain,
        Some(Part::Call | Part::Source) => plain.fg(Color::Cyan),
        Some(Part::Field) => plain.fg(Color::Blue),
        Some(Part::Parameter) => plain.italic(),
        Some(Part::Text) => plain.fg(Color::Green),
        Some(Part::Number | Part::Constant) => plain.fg(Color::Purple),
        Some(Part::Keyword) => plain.fg(Color::Yellow),
        Some(Part::Comment) => plain.dimmed(),
        Some(Part::Wrong) => plain.fg(Color::Red),
    }
}

/// The signature of the call around the cursor, else the rest of a line of the history.
struct Hint {
    shared: Shared,
    rest: String,
}

impl Hinter for Hint {
    fn handle(
        &mut self,
        line: &str,
        pos: usize,
        history: &dyn History,
        color: bool,
        _: &str,
    ) -> String {
        self.rest.clear();
        let paint = |text: &str| {
            if color {
                Style::new().dimmed().paint(text).to_string()
            } else {
                text.to_owned()
            }
        };
        if pos < line.len() || line.is_empty() {
            return String::new();
        }
        let context = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hint) = language::hint(line, pos, &context) {
            let usage = if color {
                hint.marked("\u{1b}[22;1m", "\u{1b}[22;2m")
            } else {
                hint.usage
            };
            return paint(&format!("   {usage}"));
        }
        drop(context);
        let query = reedline::SearchQuery::last_with_prefix(line.to_owned(), history.session());
        let found = history.search(query).unwrap_or_default();
        if let Some(rest) = found
            .first()
            .and_then(|entry| entry.command_line.strip_prefix(line))
        {
            self.rest = rest.to_owned();
        }
        paint(&self.rest)
    }

    fn complete_hint(&self) -> String {
        self.rest.clone()
    }

    fn next_hint_token(&self) -> String {
        let end = self
            .rest
            .char_indices()
            .skip(1)
            .find(|(_, c)| c.is_whitespace())
            .map_or(self.rest.len(), |(at, _)| at);
        self.rest[..end].to_owned()
    }
}
