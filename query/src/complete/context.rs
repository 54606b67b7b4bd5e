//! Where the cursor is, read from the tokens before it alone: half a query does not parse, but its open brackets, the
//! calls they belong to and what stands left of the cursor can be told.

use crate::parse::escapes::{text_body, unescape};
use crate::parse::names;
use crate::parse::tokens::{Kind, Token, tokens};
use crate::syntax::Span;

/// What stands left of the cursor within its bracket.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Left {
    /// Nothing yet: a value is to come.
    Nothing,
    /// A chain of stages.
    Chain,
    /// A field, and whether it was written bare.
    Field { path: String, bare: bool },
    /// `F` or its longer names, not called yet.
    FieldMaker,
    /// Some other value.
    Value,
}

/// What the name before an open bracket is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Callee {
    /// `F(`
    Field,
    /// `view(`
    View,
    /// A stage, an aggregation or an operator.
    Step(String),
    /// `x.name(`; the field it is called on, if it is one.
    Method { name: String, on: Option<String> },
    /// `name(` in an expression.
    Function(String),
    /// No name: a group, a list, an index.
    None,
}

/// An open bracket, or the text outside all of them.
#[derive(Debug, Clone)]
pub(crate) struct Level {
    pub(crate) symbol: &'static str,
    pub(crate) callee: Callee,
    /// Arguments before the current one.
    pub(crate) position: usize,
    /// The keyword of the current argument.
    pub(crate) keyword: Option<String>,
    /// Arguments that are single texts, with their keywords: `method="kmeans"`.
    pub(crate) texts: Vec<(Option<String>, String)>,
    /// Keywords given so far, the current one included.
    pub(crate) given: Vec<String>,
    pub(crate) left: Left,
    /// The field that a comparison operator follows.
    pub(crate) compared: Option<String>,
    /// What fields here are relative to.
    pub(crate) scope: Option<String>,
    /// The name of the step or method that is being typed after a dot.
    pub(crate) dot: bool,
}

/// The place of the cursor.
#[derive(Debug)]
pub(crate) struct Context {
    /// Open brackets, outermost first; never empty.
    pub(crate) levels: Vec<Level>,
    /// What is being typed and would be replaced.
    pub(crate) word: String,
    pub(crate) span: Span,
    /// The quote, inside a text.
    pub(crate) quote: Option<char>,
    /// Whether a dot stands directly before the word.
    pub(crate) after_dot: bool,
    /// Whether completion makes no sense here: in a comment or a number.
    pub(crate) nowhere: bool,
}

impl Context {
    /// Reads the place of byte `cursor` in `text`.
    pub(crate) fn at(text: &str, cursor: usize) -> Context {
        let mut cursor = cursor.min(text.len());
        while !text.is_char_boundary(cursor) {
            cursor -= 1;
        }
        let before = &text[..cursor];
        let mut all = tokens(before);
        let last = all.last().copied().filter(|last| last.span.end == cursor);
        let here = Span {
            start: cursor,
            end: cursor,
        };
        let mut context = Context {
            levels: vec![Level::new("", Callee::None, None)],
            word: String::new(),
            span: here,
            quote: None,
            after_dot: false,
            nowhere: false,
        };
        match last.map(|last| last.kind) {
            Some(Kind::Name) => {
                let token = all.pop().unwrap_or(Token {
                    kind: Kind::End,
                    span: here,
                });
                context.word = slice(before, token).to_owned();
                context.span = token.span;
            }
            Some(Kind::OpenText) => {
                let token = all.pop().unwrap_or(Token {
                    kind: Kind::End,
                    span: here,
                });
                let word = slice(before, token);
                let start = word.find(['"', '\'']).unwrap_or(0);
                context.quote = word[start..].chars().next();
                context.span = Span {
                    start: token.span.start + start + 1,
                    end: cursor,
                };
                context.word = before[context.span.start..].to_owned();
            }
            Some(Kind::Comment | Kind::Int | Kind::Float | Kind::Stray) => context.nowhere = true,
            _ => {}
        }
        let mut at = 0;
        let all: Vec<Token> = all
            .into_iter()
            .filter(|token| token.kind != Kind::Comment)
            .collect();
        while at < all.len() {
            at += context.step(before, &all, at);
        }
        context.after_dot = context.level().dot;
        context
    }

    /// The innermost level.
    pub(crate) fn level(&self) -> &Level {
        // `levels` starts with one level and the last is never popped.
        &self.levels[self.levels.len() - 1]
    }

    fn level_mut(&mut self) -> &mut Level {
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    /// Reads one token, or two; how many.
    fn step(&mut self, text: &str, all: &[Token], at: usize) -> usize {
        let token = all[at];
        let word = slice(text, token);
        let opens = |ahead: usize| {
            all.get(at + ahead)
                .is_some_and(|next| next.kind == Kind::Symbol("("))
        };
        let outer = self.levels.len() == 1;
        let level = self.level_mut();
        match token.kind {
            Kind::Name if level.dot => {
                level.dot = false;
                match (&level.left, opens(1)) {
                    (Left::Chain, true) => {
                        return self.open("(", Callee::Step(names::call_name(word)), 2);
                    }
                    (Left::FieldMaker, true) => {
                        return self.open("(", Callee::Function(word.to_owned()), 2);
                    }
                    (Left::Field { path, .. }, true) => {
                        let on = Some(path.clone());
                        return self.open(
                            "(",
                            Callee::Method {
                                name: word.to_owned(),
                                on,
                            },
                            2,
                        );
                    }
                    (_, true) => {
                        return self.open(
                            "(",
                            Callee::Method {
                                name: word.to_owned(),
                                on: None,
                            },
                            2,
                        );
                    }
                    (Left::Field { path, bare: true }, false) => {
                        level.left = Left::Field {
                            path: format!("{path}.{word}"),
                            bare: true,
                        };
                    }
                    _ => {}
                }
            }
            Kind::Name => match word {
                "and" | "or" | "not" | "is" => {
                    level.left = Left::Nothing;
                    level.compared = None;
                }
                "in" => level.compare(),
                "F" | "VF" | "ViewField" if opens(1) => return self.open("(", Callee::Field, 2),
                "F" | "VF" | "ViewField" | "E" | "VE" | "ViewExpression" if !opens(1) => {
                    level.left = Left::FieldMaker
                }
                "view" if opens(1) => return self.open("(", Callee::View, 2),
                "dataset" | "view" => level.left = Left::Chain,
                "fo" | "foe" | "fiftyone" => return 2,
                _ if opens(1) => {
                    let step = outer
                        && level.left == Left::Nothing
                        && level.compared.is_none()
                        && names::begins_chain(word);
                    let name = names::call_name(word);
                    let callee = if step {
                        Callee::Step(name)
                    } else {
                        Callee::Function(name)
                    };
                    return self.open("(", callee, 2);
                }
                _ if all
                    .get(at + 1)
                    .is_some_and(|next| next.kind == Kind::Symbol("="))
                    && level.is_call() =>
                {
                    level.keyword = Some(word.to_owned());
                    level.given.push(word.to_owned());
                    level.left = Left::Nothing;
                    return 2;
                }
                "True" | "true" | "False" | "false" | "None" | "null" | "VALUE" => {
                    level.left = Left::Value
                }
                _ => {
                    level.left = Left::Field {
                        path: level.absolute(word),
                        bare: true,
                    }
                }
            },
            Kind::Text | Kind::CurlyText | Kind::OpenText => {
                let (_, body, raw) = text_body(word);
                let content = if raw {
                    body.to_owned()
                } else {
                    unescape(body).unwrap_or_default()
                };
                let keyword = level.keyword.clone();
                level.texts.push((keyword, content));
                level.left = Left::Value;
            }
            Kind::Int | Kind::Float => level.left = Left::Value,
            Kind::Symbol(symbol @ ("(" | "[" | "{")) => return self.open(symbol, Callee::None, 1),
            Kind::Symbol(symbol @ (")" | "]" | "}")) => self.close(symbol),
            Kind::Symbol(".") => level.dot = true,
            Kind::Symbol(",") => {
                level.position += 1;
                level.keyword = None;
                level.left = Left::Nothing;
                level.compared = None;
            }
            Kind::Symbol("==" | "!=" | "<" | "<=" | ">" | ">=") => level.compare(),
            Kind::Symbol("&" | "|" | "~" | ":") => {
                level.left = Left::Nothing;
                level.compared = None;
            }
            Kind::Symbol(_) | Kind::Foreign(_) => level.left = Left::Nothing,
            _ => {}
        }
        1
    }

    fn open(&mut self, symbol: &'static str, callee: Callee, taken: usize) -> usize {
        let scope = self.scope_below(&callee);
        self.levels.push(Level::new(symbol, callee, scope));
        taken
    }

    /// What fields inside a call are relative to: the elements of the list that `filter` and the like are called on.
    fn scope_below(&self, callee: &Callee) -> Option<String> {
        let level = self.level();
        match callee {
            Callee::Method {
                name,
                on: Some(path),
            } if is_scoping(name) => Some(path.clone()),
            _ => level.scope.clone(),
        }
    }

    fn close(&mut self, symbol: &str) {
        if self.levels.len() == 1 {
            return;
        }
        let Some(closed) = self.levels.pop() else {
            return;
        };
        let level = self.level_mut();
        let index = symbol == "]" && level.left != Left::Nothing;
        level.left = match closed.callee {
            Callee::Field => match closed.texts.first() {
                Some((_, path)) => Left::Field {
                    path: level.absolute(path),
                    bare: false,
                },
                None => match &level.scope {
                    Some(scope) => Left::Field {
                        path: scope.clone(),
                        bare: false,
                    },
                    None => Left::Value,
                },
            },
            Callee::View | Callee::Step(_) => Left::Chain,
            Callee::None if index && level.left == Left::Chain => Left::Chain,
            // `x[0]` has the fields of `x`.
            Callee::None if index => level.left.clone(),
            _ => Left::Value,
        };
    }
}

impl Level {
    fn new(symbol: &'static str, callee: Callee, scope: Option<String>) -> Level {
        Level {
            symbol,
            callee,
            position: 0,
            keyword: None,
            texts: Vec::new(),
            given: Vec::new(),
            left: Left::Nothing,
            compared: None,
            scope,
            dot: false,
        }
    }

    fn is_call(&self) -> bool {
        self.callee != Callee::None
    }

    /// A path from the sample, for a name written here.
    pub(crate) fn absolute(&self, path: &str) -> String {
        match (path.strip_prefix('$'), &self.scope) {
            (Some(root), _) => root.to_owned(),
            (None, Some(scope)) => format!("{scope}.{path}"),
            (None, None) => path.to_owned(),
        }
    }

    fn compare(&mut self) {
        self.compared = match &self.left {
            Left::Field { path, .. } => Some(path.clone()),
            _ => None,
        };
        self.left = Left::Nothing;
    }
}

/// Whether fields in the arguments of this method are those of the elements it is called on.
fn is_scoping(name: &str) -> bool {
    matches!(
        name,
        "filter" | "map" | "sort" | "reduce" | "apply" | "let_in" | "set_field" | "switch"
    )
}

fn slice(text: &str, token: Token) -> &str {
    text.get(token.span.start..token.span.end).unwrap_or("")
}
