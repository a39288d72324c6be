//! The `?…` words of a print: pushes and stack operations exactly as MikroTik's API manual defines them. Pure.

use super::reply::Trap;

/// One query word.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Has(String),
    Lacks(String),
    Compare(String, Test, Vec<u8>),
    Operations(Vec<u8>),
}

/// How a property is compared with the word's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    /// `?name=x`
    Equal,
    /// `?<name=x`
    Less,
    /// `?>name=x`
    Greater,
}

/// All query words of one command.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    steps: Vec<Step>,
}

impl Query {
    /// Reads the query words (without their question marks).
    ///
    /// # Errors
    /// A trap for a comparison without a value.
    pub(super) fn read(words: &[Vec<u8>]) -> Result<Self, Trap> {
        let steps = words.iter().map(|word| read_step(word)).collect::<Result<_, _>>()?;
        Ok(Self { steps })
    }

    /// True when there is nothing to filter by.
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Decides about one row. `has` tells whether a property is set, `compare` compares a set property with a value.
    /// What is left on the stack must be true throughout: several plain words mean "and".
    ///
    /// # Errors
    /// A trap when an operation names a place that the stack does not have.
    pub(super) fn matches(&self, has: impl Fn(&str) -> bool, compare: impl Fn(&str, Test, &[u8]) -> bool) -> Result<bool, Trap> {
        let mut stack = Vec::new();
        for step in &self.steps {
            match step {
                Step::Has(name) => stack.push(has(name)),
                Step::Lacks(name) => stack.push(!has(name)),
                Step::Compare(name, test, value) => stack.push(compare(name, *test, value)),
                Step::Operations(operations) => operate(&mut stack, operations)?,
            }
        }
        Ok(stack.into_iter().all(|value| value))
    }
}

fn read_step(word: &[u8]) -> Result<Step, Trap> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let compared = |rest: &[u8], test| {
        let at = rest.iter().position(|&byte| byte == b'=').ok_or_else(invalid)?;
        Ok(Step::Compare(text(&rest[..at]), test, rest[at + 1..].to_vec()))
    };
    match word {
        [b'#', rest @ ..] => Ok(Step::Operations(rest.to_vec())),
        [b'-', rest @ ..] => Ok(Step::Lacks(text(rest))),
        [b'<', rest @ ..] => compared(rest, Test::Less),
        [b'>', rest @ ..] => compared(rest, Test::Greater),
        [b'=', rest @ ..] => compared(rest, Test::Equal),
        rest if rest.contains(&b'=') => compared(rest, Test::Equal),
        rest => Ok(Step::Has(text(rest))),
    }
}

fn operate(stack: &mut Vec<bool>, operations: &[u8]) -> Result<(), Trap> {
    let mut at = 0;
    while at < operations.len() {
        let digits = operations[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 {
            let value = peek(stack, &operations[at..at + digits])?;
            at += digits;
            match operations.get(at) {
                // An index at the end of the word replaces all values with the one it names.
                None => *stack = vec![value],
                Some(following) => {
                    stack.push(value);
                    // A dot after an index only parts it from a following digit.
                    at += usize::from(*following == b'.');
                }
            }
            continue;
        }
        operate_once(stack, operations[at])?;
        at += 1;
    }
    Ok(())
}

fn operate_once(stack: &mut Vec<bool>, operation: u8) -> Result<(), Trap> {
    let value = match operation {
        b'!' => !pop(stack)?,
        b'&' => pop(stack)? & pop(stack)?,
        b'|' => pop(stack)? | pop(stack)?,
        b'.' => *stack.last().ok_or_else(invalid)?,
        _ => return Err(invalid()),
    };
    stack.push(value);
    Ok(())
}

fn pop(stack: &mut Vec<bool>) -> Result<bool, Trap> {
    stack.pop().ok_or_else(invalid)
}

/// Index 0 is the value on top.
fn peek(stack: &[bool], digits: &[u8]) -> Result<bool, Trap> {
    let index: usize = std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).ok_or_else(invalid)?;
    stack.iter().rev().nth(index).copied().ok_or_else(invalid)
}

fn invalid() -> Trap {
    Trap::argument("invalid query")
}

#[cfg(test)]
mod tests {
    use super::{Query, Test};

    /// A row with `a=1` and `b=2`, lacking `c`.
    fn decide(words: &[&str]) -> bool {
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let value = |name: &str| match name {
            "a" => Some(b"1"),
            "b" => Some(b"2"),
            _ => None,
        };
        Query::read(&words)
            .unwrap()
            .matches(
                |name| value(name).is_some(),
                |name, test, wanted| {
                    value(name).is_some_and(|found| match test {
                        Test::Equal => found == wanted,
                        Test::Less => found.as_slice() < wanted,
                        Test::Greater => found.as_slice() > wanted,
                    })
                },
            )
            .unwrap()
    }

    #[test]
    fn plain_words_mean_and() {
        assert!(decide(&[]));
        assert!(decide(&["a", "-c", "a=1", "=b=2", "<a=2", ">b=1"]));
        assert!(!decide(&["a=1", "b=1"]));
        assert!(!decide(&["-a"]));
        assert!(!decide(&["c=1"]));
    }

    #[test]
    fn stack_operations_work_from_left_to_right() {
        assert!(decide(&["a=1", "b=9", "#|"]));
        assert!(!decide(&["a=1", "b=9", "#&"]));
        assert!(decide(&["a=9", "b=9", "#|!"]));
        assert!(decide(&["a=9", "#!"]));
        assert!(decide(&["a=1", "b=9", "c", "#|!.&", "#0!|"]), "copies of the top value");
        assert!(decide(&["a=1", "b=9", "#1"]), "an index at the end replaces the stack");
        assert!(!decide(&["a=1", "b=9", "#0"]));
    }

    #[test]
    fn operations_on_an_empty_stack_are_refused() {
        let query = Query::read(&[b"#|".to_vec()]).unwrap();
        assert!(query.matches(|_| true, |_, _, _| true).is_err());
        assert!(Query::read(&[b"<name".to_vec()]).is_err());
    }
}
