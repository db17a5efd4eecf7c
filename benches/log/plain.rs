//! The least a durable append can be: one writer, one file, `fdatasync` for all that waited.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use billfold::log::{Ack, AppendError, Appended, NewRecord};
use tokio::sync::oneshot::Sender;

type Waiting = (NewRecord, Sender<Result<Vec<Appended>, AppendError>>);

#[derive(Default)]
struct Queue {
    waiting: Mutex<(Vec<Waiting>, bool)>,
    arrived: Condvar,
}

pub(crate) struct PlainFile {
    queue: Arc<Queue>,
    writer: Option<JoinHandle<()>>,
}

impl PlainFile {
    pub(crate) fn create(path: &Path) -> std::io::Result<Self> {
        let file = File::create(path)?;
        let queue = Arc::new(Queue::default());
        let theirs = queue.clone();
        let writer = std::thread::spawn(move || write(&theirs, file));
        Ok(Self { queue, writer: Some(writer) })
    }

    pub(crate) fn append(&self, record: NewRecord) -> Ack {
        let (sender, ack) = Ack::channel();
        self.queue.waiting.lock().expect("the queue").0.push((record, sender));
        self.queue.arrived.notify_one();
        ack
    }
}

impl Drop for PlainFile {
    fn drop(&mut self) {
        self.queue.waiting.lock().expect("the queue").1 = true;
        self.queue.arrived.notify_one();
        if let Some(writer) = self.writer.take() {
            writer.join().expect("the writer");
        }
    }
}

fn write(queue: &Queue, mut file: File) {
    let mut bytes = Vec::new();
    loop {
        let mut waiting = queue.waiting.lock().expect("the queue");
        while waiting.0.is_empty() {
            if waiting.1 {
                return;
            }
            waiting = queue.arrived.wait(waiting).expect("the queue");
        }
        let batch = std::mem::take(&mut waiting.0);
        drop(waiting);
        bytes.clear();
        for (record, _) in &batch {
            bytes.extend_from_slice(&record.body.0);
        }
        file.write_all(&bytes).expect("the disk takes it");
        file.sync_data().expect("the disk holds it");
        for (_, sender) in batch {
            let _ = sender.send(Ok(Vec::new()));
        }
    }
}
