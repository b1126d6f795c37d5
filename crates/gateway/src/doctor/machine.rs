//! The machine: its clock, its disk, its limits.

use super::{Finding, text};
use crate::configuration::GatewayFile;
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// Writes that are timed.
const WRITES: usize = 21;
/// A commit that takes longer is felt, and one that takes much longer holds every alarm up.
const SLOW: Duration = Duration::from_millis(20);
const TOO_SLOW: Duration = Duration::from_millis(200);
/// Free room below which somebody should look, beside the reserve.
const ROOM: u64 = 2 << 30;

pub(super) fn clock(required: bool) -> Finding {
    let todo = text(
        "启用 chrony 或 systemd-timesyncd，放行 UDP 123；确实没有时间服务器时设 [clock] require_sync = false",
        "set up chrony or systemd-timesyncd and let UDP 123 out; where there is no time server at all: [clock] require_sync = false",
    );
    match crate::clock::ask_kernel() {
        Ok(true) => Finding::ok("系统时钟已同步", "the clock is synchronised"),
        Ok(false) if required => {
            Finding::fault(text("系统时钟未与时间服务器同步", "no time server keeps the clock right"), todo)
        }
        Ok(false) => Finding::warn(
            text(
                "系统时钟未同步（配置允许）",
                "no time server keeps the clock right, which the configuration allows",
            ),
            todo,
        ),
        Err(error) => Finding::warn(
            text(format!("timedatectl 无法运行：{error}"), format!("timedatectl does not run: {error}")),
            text(
                "安装 systemd，或设 [clock] require_sync = false",
                "install systemd, or set [clock] require_sync = false",
            ),
        ),
    }
}

/// Room and speed of the disk that the data lie on.
pub(super) fn disk(data: &Path, gateway: &GatewayFile) -> Vec<Finding> {
    let shown = data.display();
    if !data.is_dir() {
        return vec![Finding::warn(
            text(
                format!("数据目录 {shown} 尚不存在"),
                format!("the data directory {shown} is not there yet"),
            ),
            text(
                "首次启动时创建；确认上级目录可写",
                "the first start makes it; see that the gateway's user may write above it",
            ),
        )];
    }
    vec![room(data, gateway), speed(data)]
}

fn room(data: &Path, gateway: &GatewayFile) -> Finding {
    let space = match rustix::fs::statvfs(data) {
        Ok(space) => space,
        Err(error) => {
            return Finding::fault(
                text(format!("{}：{error}", data.display()), format!("{}: {error}", data.display())),
                text("检查磁盘", "look at the disk"),
            );
        }
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let mib = free >> 20;
    let todo = text(
        "清理磁盘，或缩短 [retention] bodies_days",
        "free some space, or shorten [retention] bodies_days",
    );
    let found = text(format!("磁盘剩余 {mib} MiB"), format!("{mib} MiB of the disk are free"));
    if free < gateway.journal.reserve_bytes + gateway.journal.segment_bytes {
        Finding::fault(found, todo)
    } else if free < ROOM {
        Finding::warn(found, todo)
    } else {
        Finding { level: super::Level::Ok, found, todo: text("", "") }
    }
}

fn speed(data: &Path) -> Finding {
    let file = data.join(format!("doctor-{}.tmp", std::process::id()));
    let timed = time_writes(&file);
    // What cannot be removed shows in the next look at the folder.
    let _ = std::fs::remove_file(&file);
    judge_speed(timed)
}

fn time_writes(file: &Path) -> std::io::Result<Duration> {
    let mut out = std::fs::File::create(file)?;
    let mut times = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let began = Instant::now();
        out.write_all(&[0x5a; 4096])?;
        out.sync_data()?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(times[WRITES * 9 / 10])
}

fn judge_speed(timed: std::io::Result<Duration>) -> Finding {
    let todo = text(
        "SD 卡和网络盘不适合存日志：换 SSD，或把 data 放到单独的磁盘",
        "SD cards and network disks are not fit for a journal: an SSD, or a disk of its own for data",
    );
    match timed {
        Err(error) => Finding::fault(
            text(
                format!("数据目录不可写：{error}"),
                format!("the data directory cannot be written: {error}"),
            ),
            text(
                "用网关的用户运行本命令；检查目录的属主",
                "run this as the gateway's user; see who owns the folder",
            ),
        ),
        Ok(time) => {
            let ms = time.as_secs_f64() * 1000.0;
            let found = text(
                format!("写入并落盘 4 KiB：十次有九次在 {ms:.1} 毫秒内"),
                format!("nine of ten synced writes of 4 KiB take at most {ms:.1} ms"),
            );
            if time > TOO_SLOW {
                Finding::fault(found, todo)
            } else if time > SLOW {
                Finding::warn(found, todo)
            } else {
                Finding { level: super::Level::Ok, found, todo: text("", "") }
            }
        }
    }
}

/// Every phone is a descriptor.
pub(super) fn descriptors(sockets_max: usize) -> Finding {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let needed = sockets_max as u64 + 1_200;
    match limit {
        Some(limit) if limit < needed => Finding::warn(
            text(
                format!("此处可打开 {limit} 个文件，满员需 {needed}"),
                format!("{limit} open files are allowed here, {needed} may be needed"),
            ),
            text(
                "服务里设 LimitNOFILE=32768（deploy/wanglou.service 已设）；终端里 ulimit -n",
                "LimitNOFILE=32768 in the unit (deploy/wanglou.service has it); ulimit -n in a shell",
            ),
        ),
        Some(limit) => {
            Finding::ok(format!("可打开 {limit} 个文件"), format!("{limit} open files are allowed"))
        }
        None => Finding::ok("打开文件数不限", "open files are not limited"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    #[test]
    fn a_slow_disk_is_told_by_how_slow_it_is() {
        let level = |ms| judge_speed(Ok(Duration::from_millis(ms))).level;
        assert_eq!([level(3), level(50), level(900)], [Level::Ok, Level::Warn, Level::Fault]);
        assert_eq!(judge_speed(Err(std::io::Error::other("read-only"))).level, Level::Fault);
    }

    #[test]
    fn the_disk_of_a_folder_is_looked_at_and_nothing_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let found = disk(folder.path(), &GatewayFile::default());
        assert_eq!(found.len(), 2);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
        let missing = disk(&folder.path().join("none"), &GatewayFile::default());
        assert_eq!(missing[0].level, Level::Warn);
    }

    #[test]
    fn too_few_descriptors_are_seen() {
        assert_eq!(descriptors(usize::MAX >> 8).level, Level::Warn);
    }
}
