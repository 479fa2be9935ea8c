//! A recorded session sent again, and what the filter answers compared.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use milter_proto::Decoder;
use milter_tokio::{ClientStream, open};
use milter_vectors::{
    Connection, Event, How, Mark, Packet, Side, format_event, format_packet, parse_session,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::options::Options;
use crate::cli::Output;

/// How long a filter may take to close, or to say what was not recorded.
const END: Duration = Duration::from_secs(1);
/// Answers that are not as recorded.
const DIFFERENT: u8 = 6;
/// No milter, or none that answers in time.
const FAILED: u8 = 5;

pub(super) fn replay(options: &Options, file: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let name = file.display().to_string();
    let session = parse_session(name.strip_suffix(".txt").unwrap_or(&name), &text)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut compared = 0;
    for (connection, number) in session.connections.iter().zip(1..) {
        let played = runtime.block_on(play(connection, options));
        let (status, what) = match played {
            Ok(count) => {
                compared += count;
                continue;
            }
            Err(End::Different(what)) => (DIFFERENT, format!("different, in connection {number}:\n{what}")),
            Err(End::Failed(what)) => (FAILED, format!("failed, in connection {number}: {what}")),
        };
        say(options, if status == DIFFERENT { "different" } else { "failed" }, compared, &what);
        return Ok(ExitCode::from(status));
    }
    say(options, "same", compared, &format!("same: {compared} answers are as recorded"));
    Ok(ExitCode::SUCCESS)
}

/// Why a session is not played to its end.
enum End {
    Different(String),
    Failed(String),
}

fn say(options: &Options, result: &str, answers: usize, text: &str) {
    let line = match options.output() {
        Output::Text => text.to_owned(),
        Output::Json => serde_json::json!({ "result": result, "answers": answers, "text": text }).to_string(),
    };
    // If nobody reads stdout, the exit status says it alone.
    let _ = writeln!(io::stdout(), "{line}");
}

/// Plays one connection; gives how many answers were compared.
async fn play(connection: &Connection, options: &Options) -> Result<usize, End> {
    let refused = Event::End { side: Side::Filter, how: How::Refused };
    if connection.events.contains(&refused) {
        return Ok(0);
    }
    let limit = options.timeouts().command;
    let stream = open(options.endpoint(), options.timeouts().connect).await.map_err(failed)?;
    let mut player = Player { stream, decoder: Decoder::new(), limit };
    let mut compared = 0;
    for event in &connection.events {
        match event {
            Event::Packet(packet) if packet.side == Side::Mta => player.write(&packet.wire()).await?,
            Event::Partial { side: Side::Mta, bytes } => player.write(bytes).await?,
            Event::End { side: Side::Mta, how: How::Eof } => {
                // The filter may have closed before.
                let _ = player.stream.shutdown().await;
            }
            // At work, which is a matter of time.
            Event::Packet(packet) if is_progress(packet) => {}
            Event::Packet(packet) => {
                compare(Some(packet), player.packet().await?)?;
                compared += 1;
            }
            Event::End { side: Side::Filter, how: How::Eof } => compare(None, player.packet().await?)?,
            // What cannot be made to come again.
            Event::Partial { .. } | Event::End { .. } => return Ok(compared),
        }
    }
    player.end().await?;
    Ok(compared)
}

struct Player {
    stream: ClientStream,
    decoder: Decoder,
    limit: Duration,
}

impl Player {
    async fn write(&mut self, octets: &[u8]) -> Result<(), End> {
        match timeout(self.limit, self.stream.write_all(octets)).await {
            Ok(written) => written.map_err(failed),
            Err(_) => Err(End::Failed(format!("the filter took nothing for {} s", self.limit.as_secs_f32()))),
        }
    }

    /// Ends the session: the filter has nothing more to say.
    async fn end(mut self) -> Result<(), End> {
        // It may have closed before.
        let _ = self.stream.shutdown().await;
        self.limit = self.limit.min(END);
        match self.packet().await {
            Ok(Some(packet)) => Err(End::Different(format!("+ {}  (not recorded)", format_packet(&packet)))),
            _ => Ok(()),
        }
    }

    /// The filter's next packet; `None` at the end of its stream.
    async fn packet(&mut self) -> Result<Option<Packet>, End> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(packet) = self.decoder.packet().map_err(failed)? {
                let (letter, payload) = (packet.letter, packet.payload.to_vec());
                let packet = Packet { side: Side::Filter, letter, payload, mark: Mark::Legal, line: 0 };
                if !is_progress(&packet) {
                    return Ok(Some(packet));
                }
                continue;
            }
            if self.decoder.is_ended() {
                return Ok(None);
            }
            match timeout(self.limit, self.stream.read(&mut buffer)).await {
                Ok(Ok(count)) => self.decoder.receive(&buffer[..count]),
                // A filter that resets the connection is gone as well.
                Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => self.decoder.receive(&[]),
                Ok(Err(error)) => return Err(failed(error)),
                Err(_) => {
                    let seconds = self.limit.as_secs_f32();
                    return Err(End::Different(format!("the filter sent nothing for {seconds} s")));
                }
            }
        }
    }
}

fn is_progress(packet: &Packet) -> bool {
    packet.letter == b'p' && packet.side == Side::Filter
}

fn compare(recorded: Option<&Packet>, came: Option<Packet>) -> Result<(), End> {
    let is_same = match (recorded, &came) {
        (Some(recorded), Some(came)) => (recorded.letter, &recorded.payload) == (came.letter, &came.payload),
        (None, None) => true,
        _ => false,
    };
    if is_same {
        return Ok(());
    }
    let eof = || format_event(&Event::End { side: Side::Filter, how: How::Eof });
    let line = recorded
        .filter(|packet| packet.line > 0)
        .map_or(String::new(), |packet| format!(", line {}", packet.line));
    let recorded = recorded.map_or_else(eof, format_packet);
    let came = came.as_ref().map_or_else(eof, format_packet);
    Err(End::Different(format!("- {recorded}  (recorded{line})\n+ {came}")))
}

fn failed(error: impl Display) -> End {
    End::Failed(error.to_string())
}
