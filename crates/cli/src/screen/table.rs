//! Tables of text: columns as wide as their widest cell, two spaces between, no lines.

use super::style;

const GAP: &str = "  ";

/// Lays out rows under a heading. The last column is never padded, so that nothing trails.
#[must_use]
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let heading: Vec<String> = heading
        .iter()
        .map(|title| {
            if title.is_empty() {
                String::new()
            } else {
                style::faint(title)
            }
        })
        .collect();
    let mut widths = vec![0; heading.len()];
    for row in std::iter::once(&heading).chain(rows) {
        for (column, cell) in widths.iter_mut().zip(row) {
            *column = (*column).max(style::width(cell));
        }
    }
    let mut text = String::new();
    for row in std::iter::once(&heading).chain(rows) {
        let mut line = String::new();
        for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
            if index > 0 {
                line.push_str(GAP);
            }
            line.push_str(cell);
            if index + 1 < row.len() {
                line.push_str(&" ".repeat(width - style::width(cell)));
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Names and values, one pair a line.
#[must_use]
pub fn pairs(pairs: &[(&str, String)]) -> String {
    let widest = pairs
        .iter()
        .map(|(name, _)| style::width(name))
        .max()
        .unwrap_or(0);
    pairs
        .iter()
        .map(|(name, value)| {
            let gap = " ".repeat(widest - style::width(name));
            format!("{}{gap}{GAP}{value}\n", style::faint(name))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_under_wide_letters_and_styles() {
        let rows = vec![
            vec!["予約".to_owned(), style::good("succeeded"), "x".to_owned()],
            vec!["abcdef".to_owned(), style::bad("failed"), "y".to_owned()],
        ];
        let text = anstream::adapter::strip_str(&table(&["ID", "STATUS", "LAST"], &rows)).to_string();
        assert_eq!(
            text,
            "ID      STATUS     LAST\n予約    succeeded  x\nabcdef  failed     y\n"
        );
    }
}
