//! Answers that come piece by piece.

use super::*;

/// Pieces that come at once, and then the end, a break, or silence.
#[derive(Debug)]
struct Pieces(VecDeque<&'static str>, Option<Trouble>, bool);

#[async_trait]
impl crate::Rest for Pieces {
    async fn next(&mut self) -> Option<Result<Vec<u8>, (Trouble, String)>> {
        match self.0.pop_front() {
            Some(piece) => Some(Ok(piece.as_bytes().to_vec())),
            None if self.2 => std::future::pending().await,
            None => self
                .1
                .take()
                .map(|trouble| Err((trouble, "crm.example.com broke off".to_owned()))),
        }
    }
}

fn streaming(pieces: &[&'static str], ends: Option<Trouble>, hangs: bool) -> Sent {
    let Sent::Answered { answer, .. } = answered(200, &[("Content-Type", "text/event-stream")], b"") else {
        unreachable!()
    };
    Sent::Streaming {
        answer,
        rest: Box::new(Pieces(pieces.iter().copied().collect(), ends, hangs)),
    }
}

/// What is told of one stream: its pieces, and how it ended.
async fn pieces(attempt: &mut Attempt) -> (Vec<String>, Option<Trouble>) {
    let head = attempt.told().await;
    assert_eq!((head.part, status(&head)), (Part::Head, Some(200)));
    let mut pieces = Vec::new();
    loop {
        let told = attempt.told().await;
        match told.part {
            Part::Piece => pieces.push(String::from_utf8(told.body).unwrap()),
            Part::Last => return (pieces, told.trouble),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_handed_out_as_it_comes_and_given_back_in_the_same_pieces() {
    for trouble in [None, Some(Trouble::Reset)] {
        let mut house = House::new().await;
        house.answers([streaming(&["data: 1\n\n", "data: 2\n\n"], trouble, false)]);
        let mut attempt = house.attempt().await;
        attempt.ask("0", "GET", "https://events.example.com/", &[], "");
        let first = pieces(&mut attempt).await;
        assert_eq!((first.0.len(), first.1), (2, trouble));
        attempt.close(false).await;
        house.resumed().await;
        let mut attempt = house.attempt().await;
        attempt.ask("0", "GET", "https://events.example.com/", &[], "");
        assert_eq!(pieces(&mut attempt).await, first);
        assert_eq!(house.arrived().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_the_code_closes_is_done_and_one_that_is_no_success_is_read_whole() {
    let house = House::new().await;
    house.answers([streaming(&["data: 1\n\n"], None, true)]);
    let mut attempt = house.attempt().await;
    let number = attempt.ask("0", "POST", NOTES, &[], "1");
    assert_eq!(attempt.told().await.part, Part::Head);
    assert_eq!(attempt.told().await.part, Part::Piece);
    attempt.session.give_up(number);
    assert_eq!(attempt.told().await.part, Part::Last);
    attempt.close(true).await;
    assert_eq!(house.outcomes().await[0].phase, Phase::Done);
}
