#!/usr/bin/env bash
# A Slurm of one node on this machine, to try the slurm profile with: two partitions, `cpu` and
# `gpu`, the latter with a GPU that is none. No database, no cgroups, no systemd; as root:
#   apt-get install -y --no-install-recommends slurm-wlm munge
#   tests/slurm/up.sh FOLDER      state, logs and process ids go to FOLDER
#   tests/slurm/down.sh FOLDER
set -euo pipefail
folder=$(realpath -m "${1:?folder for state and logs}")
host=$(hostname -s)
mkdir -p "$folder"/{state,spool,log}
install -d -o munge -g munge -m 0755 /run/munge

cat > "$folder/slurm.conf" <<END
ClusterName=loop
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=200000,bf_interval=5
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
# squeue forgets a job after this many seconds; Snakemake asks it, as there is no database
MinJobAge=3600
KillWait=5
InactiveLimit=0
SlurmdTimeout=60
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=8000 Gres=gpu:fake:1 State=UNKNOWN
PartitionName=cpu Nodes=$host Default=YES MaxTime=60 State=UP
PartitionName=gpu Nodes=$host MaxTime=60 State=UP
END
echo "NodeName=$host Name=gpu Type=fake File=/dev/null" > "$folder/gres.conf"
echo "CgroupPlugin=cgroup/v1" > "$folder/cgroup.conf"
# in its standard place, because the executor clears SLURM_CONF inside jobs
for name in slurm gres cgroup; do
  ln -sfn "$folder/$name.conf" "/etc/slurm/$name.conf"
done

munge -n > /dev/null 2>&1 || runuser -u munge -- /usr/sbin/munged
until munge -n > /dev/null 2>&1; do sleep 0.1; done
slurmctld
slurmd
for _ in $(seq 100); do
  sinfo --noheader --format %T 2> /dev/null | grep -q idle && break
  sleep 0.2
done
sinfo
