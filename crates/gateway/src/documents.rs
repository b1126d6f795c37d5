//! Every `wanglou …` in the documents is a command, with flags that it has, and so is every example of `--help`. In code blocks
//! and examples they are parsed as typed; what stands in a sentence may leave things out.

use super::Wanglou;
use clap::{Command, CommandFactory};
use std::fs;
use std::path::{Path, PathBuf};

/// The documents of the repository, each with its text.
fn documents() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = ["", "docs", "benches", "deploy"].map(|folder| root.join(folder));
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("a folder of the repository"));
    let paths = files.map(|entry| entry.expect("a file").path());
    let written = paths.filter(|path| path.extension().is_some_and(|end| end == "md"));
    written.map(|path| (path.clone(), fs::read_to_string(path).expect("a document"))).collect()
}

/// The commands of the code blocks, split into words as a shell does: the words of one command after `wanglou`.
fn typed(text: &str) -> Vec<Vec<String>> {
    let blocks = text.split("```").skip(1).step_by(2);
    let joined = blocks.map(|block| block.replace("\\\n", " "));
    joined.flat_map(|block| block.lines().flat_map(of_line).collect::<Vec<_>>()).collect()
}

/// The commands of one line: behind `|` and `&&` begins another one.
fn of_line(line: &str) -> Vec<Vec<String>> {
    let words = words(line);
    let commands = words.split(|word| ["|", "&&", ";"].contains(&word.as_str()));
    commands.filter_map(after_the_program).collect()
}

/// What is typed behind `wanglou`, without the shell's redirections; nothing if another program is called.
fn after_the_program(command: &[String]) -> Option<Vec<String>> {
    let user = if command.first()? == "sudo" { 1 + 2 * usize::from(command.get(1)? == "-u") } else { 0 };
    let command = command.get(user..)?;
    let variables = command.iter().take_while(|word| is_variable(word)).count();
    let command = &command[variables..];
    let (program, rest) = command.split_at_checked(1 + usize::from(command.first()? == "time"))?;
    let is_ours = program.last().is_some_and(|name| name == "wanglou" || name.ends_with("/wanglou"));
    let end = rest.iter().position(|word| word.starts_with(['<', '>'])).unwrap_or(rest.len());
    is_ours.then(|| rest[..end].to_vec())
}

/// `RUST_LOG=debug`, before a program.
fn is_variable(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
}

/// The examples of a command's `--help`, by the command; what stands two spaces behind one explains it.
fn examples(command: &Command) -> Vec<(String, Vec<Vec<String>>)> {
    let mut all: Vec<_> = command.get_subcommands().flat_map(examples).collect();
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    if let Some((_, list)) = after.split_once("Examples:\n") {
        let list = list.split("\n\n").next().unwrap_or_default();
        let bare = list.lines().filter_map(|line| line.trim_start().split("  ").next());
        all.push((command.get_name().to_owned(), bare.flat_map(of_line).collect()));
    }
    all
}

/// Why these words are no command.
fn refused(words: &[String]) -> Option<String> {
    let whole = std::iter::once("wanglou".to_owned()).chain(words.iter().cloned());
    let error = Wanglou::command().try_get_matches_from(whole).err()?;
    Some(format!("wanglou {}: {error}", words.join(" ")))
}

/// Splits at white space outside of quotes; a `#` begins a comment.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match quote {
            Some(open) if open == c => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None if c == '#' && word.is_none() => return words,
            None => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The commands named within sentences.
fn mentioned(text: &str) -> Vec<Vec<String>> {
    let outside = text.split("```").step_by(2).flat_map(str::lines);
    let spans = outside.flat_map(|line| line.split('`').skip(1).step_by(2));
    spans.flat_map(of_line).collect()
}

/// The first word that is no command or no flag there. `a|b` and `a, b` are both of them.
fn strange(words: &[String]) -> Option<&str> {
    let mut command = Wanglou::command();
    for word in words {
        let plain = word.trim_end_matches([',', '\\']);
        if let Some(flag) = plain.strip_prefix("--") {
            let name = flag.split('=').next().unwrap_or_default();
            if !["help", ""].contains(&name) && !has_flag(&command, name) {
                return Some(word);
            }
        } else if command.has_subcommands() {
            let named: Vec<&str> = plain.split('|').map(|name| name.trim_end_matches('\\')).collect();
            let next = named.last().and_then(|name| command.find_subcommand(name)).cloned();
            if named.iter().any(|name| command.find_subcommand(name).is_none()) {
                return Some(word);
            }
            // A list goes on beside the command that it named.
            command = next.filter(|_| !word.ends_with(',')).unwrap_or(command);
        }
    }
    None
}

fn has_flag(command: &Command, name: &str) -> bool {
    command.get_arguments().any(|argument| argument.get_long() == Some(name))
}

#[test]
fn every_command_in_the_documents_exists_with_its_flags() {
    let (mut seen, mut faults) = (0, Vec::new());
    for (path, text) in documents() {
        for words in typed(&text) {
            seen += 1;
            faults.extend(refused(&words).map(|fault| format!("{}: {fault}", path.display())));
        }
        for words in mentioned(&text) {
            seen += 1;
            let fault = strange(&words);
            faults.extend(
                fault.map(|word| format!("{}: wanglou {}: no {word}", path.display(), words.join(" "))),
            );
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 80, "only {seen} commands were found: are they still written like this?");
}

#[test]
fn every_example_of_help_can_be_typed_as_it_stands() {
    let all = examples(&Wanglou::command());
    let without: Vec<&String> =
        all.iter().filter(|(_, list)| list.is_empty()).map(|(name, _)| name).collect();
    assert!(without.is_empty(), "no example that calls wanglou: {without:?}");
    let commands = all.iter().flat_map(|(_, list)| list);
    let faults: Vec<String> = commands.clone().filter_map(|words| refused(words)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(commands.count() > 50, "are they still written like this?");
    // Whoever is told `wanglou backtest --data …` misses that it needs a configuration.
    assert!(refused(&["backtest", "--data", "x"].map(str::to_owned)).is_some());
}

#[test]
fn what_does_not_exist_is_found_in_blocks_and_in_sentences() {
    let block = "```sh\nsudo -u w wanglou verify --data x  # fine\necho 'a b' | wanglou decode --tropic 'x y' < z\n```";
    assert_eq!(typed(block), [vec!["verify", "--data", "x"], vec!["decode", "--tropic", "x y"]]);
    let sentences = "`wanglou profile suggest|teach`, `wanglou run, walk`, `wanglou check --all`, `journalctl -u wanglou -n 5`";
    let commands = mentioned(sentences);
    let found: Vec<_> = commands.iter().filter_map(|words| strange(words)).collect();
    assert_eq!(found, ["suggest|teach", "walk", "--all"]);
}
